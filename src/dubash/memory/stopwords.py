"""Words that are no terms: closed classes of a language, such as articles and postpositions.

The lists were written by hand for dubash: articles, pronouns, adpositions, conjunctions,
auxiliaries and particles, the commonest of each. They are short on purpose, and a language without
a list has no stop words. They are compared folded, as words of a text are.
"""

from __future__ import annotations

from functools import lru_cache

from dubash.memory.units import fold

_LISTS = {
    "en": """a an the this that these those i you he she it we they me him her us them my your his
        its our their who whom whose which what of in on at by for to from with without into onto
        over under about as than and or but nor so if then because while when where how not no is
        am are was were be been being do does did has have had will would shall should can could
        may might must there here very too also just""",
    "es": """el la los las lo un una unos unas este esta estos estas ese esa esos esas yo tú él ella
        usted nosotros ellos ellas ustedes me te se nos le les mi mis tu tus su sus nuestro nuestra
        que qué quien cual cuyo de del en a al por para con sin sobre entre desde hasta y e o u ni
        pero sino si porque cuando donde como no es son era eran fue ser está están estar ha han he
        haber hay muy más también ya""",
    "hi": """यह वह ये वे मैं हम तू तुम आप मुझे हमें उसे उन्हें इसे इन्हें मेरा मेरी मेरे हमारा हमारी हमारे उसका उसकी उसके
        इसका इसकी इसके जो जिस जिन कौन क्या किस का की के को से में पर ने तक और या एवं तथा लेकिन
        मगर परंतु अगर यदि तो कि क्योंकि जब तब जहाँ वहाँ कैसे न नहीं मत है हैं हूँ हो था थी थे होगा
        होगी होंगे ही भी बहुत""",
    "gu": """આ તે એ હું અમે તું તમે આપણે મને તને અમને તમને તેને મારું મારી મારો મારા તેનું તેની તેનો તેના જે
        કોણ શું ને નો ની નું ના નાં માં થી પર સાથે માટે અને અથવા કે પણ પરંતુ જો તો કારણ જ્યારે ત્યારે
        જ્યાં ત્યાં કેમ ન નહીં ના છે છો છું હતો હતી હતું હતા હશે જ ય બહુ""",
    "kn": """ಈ ಆ ಇದು ಅದು ಇವು ಅವು ನಾನು ನಾವು ನೀನು ನೀವು ಅವನು ಅವಳು ಅವರು ಇವನು ಇವಳು ಇವರು ನನ್ನ ನಮ್ಮ ನಿನ್ನ ನಿಮ್ಮ ಅವನ
        ಅವಳ ಅವರ ಯಾರು ಏನು ಯಾವ ಮತ್ತು ಅಥವಾ ಆದರೆ ಆದ್ದರಿಂದ ಎಂದು ಎಂಬ ಹಾಗೂ ಕೂಡ ಸಹ ಅಲ್ಲಿ ಇಲ್ಲಿ ಯಾವಾಗ ಹೇಗೆ
        ಇಲ್ಲ ಅಲ್ಲ ಇದೆ ಇವೆ ಇತ್ತು ಬಹಳ""",
    "ja": """は が を に へ で と や の も か から まで より だけ など ね よ これ それ
        あれ この その あの ここ そこ あそこ する した して いる ある なる です
        ます だ である ない こと もの ため""",
}  # fmt: skip


@lru_cache
def stop_words(code: str) -> frozenset[str]:
    """The stop words of a language, folded; empty where it has no list."""
    return frozenset(fold(word, code) for word in _LISTS.get(code, "").split())
