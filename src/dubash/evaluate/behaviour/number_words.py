"""Numbers spelled out, and the words that scale a number, in the languages that we know them of.

A translation may spell a figure ("12" as "doce") or scale it ("5 million" as "50 लाख", "500万").
A word that ends in `*` stands for all words that begin so: Gujarati and Kannada write case endings
at the word. After `21+` each word counts one more. In other languages a spelled number is not
recognised, so that `number_changed` may say too much of them: it is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache


@dataclass(frozen=True, slots=True)
class Term:
    """One number word: it counts `value`, or multiplies by it where it is a scale."""

    value: float
    scale: bool = False


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The number words of one language, whole words and beginnings of words."""

    words: dict[str, Term] = field(default_factory=dict)
    stems: dict[str, Term] = field(default_factory=dict)

    def find(self, word: str) -> Term | None:
        """The number that a word says, in lower case or as the name of a month; None for others."""
        if found := self.words.get(word) or self.words.get(word := word.lower()):
            return found
        if self.stems:
            for end in range(len(word), 0, -1):
                if found := self.stems.get(word[:end]):
                    return found
        return None


@cache
def lexicon(code: str) -> Lexicon:
    """The number words of a language; none for a language that we do not know them of."""
    found, code = Lexicon(), _SAME.get(code, code)
    for line in _SCALES.strip().splitlines():
        language, *entries = line.split()
        for word, factor in (entry.split(":") for entry in entries if language == code):
            _add(found, word, Term(float(factor), scale=True))
    for line in _WORDS.strip().splitlines():
        language, value, *words = line.split()
        step = 1 if value.endswith("+") else 0
        for place, word in enumerate(words if language == code else ()):
            _add(found, word, Term(float(value.rstrip("+")) + step * place))
    return found


def _add(found: Lexicon, word: str, term: Term) -> None:
    if word.endswith("*"):
        found.stems[word[:-1]] = term
    else:
        found.words[word] = term


@cache
def scales() -> Lexicon:
    """The scale words of all languages: what may stand behind a figure of the source."""
    found = Lexicon()
    for code in sorted({line.split()[0] for line in _SCALES.strip().splitlines()}):
        known = lexicon(code)
        found.words.update((word, each) for word, each in known.words.items() if each.scale)
        found.stems.update((word, each) for word, each in known.stems.items() if each.scale)
    return found


_SAME = {"zh": "ja", "yue": "ja"}
"""Languages that write numbers with the signs of another."""

_SCALES = """
en hundred:1e2 hundreds:1e2 thousand:1e3 thousands:1e3 million:1e6 millions:1e6 billion:1e9
en decade:10 decades:10 century:1e2 centuries:1e2 billions:1e9 trillion:1e12 mln:1e6 bn:1e9
en lakh:1e5 lakhs:1e5 crore:1e7 crores:1e7
es cien:1e2 ciento:1e2 cientos:1e2 centenar:1e2 centenares:1e2 mil:1e3 millar:1e3 millares:1e3
es década:10 décadas:10 siglo:1e2 siglos:1e2 millón:1e6 millones:1e6 billón:1e12 billones:1e12
es millardos:1e9
hi सौ:1e2 सैकड़ा:1e2 सैकड़ों:1e2 हज़ार:1e3 हजार:1e3 हज़ारों:1e3 हजारों:1e3 लाख:1e5 लाखों:1e5
hi करोड़:1e7 दशक:10 दशकों:10 सदी:1e2 सदियों:1e2 शताब्दी:1e2 करोड़ों:1e7 अरब:1e9 अरबों:1e9
hi खरब:1e11 मिलियन:1e6 बिलियन:1e9 ट्रिलियन:1e12
gu સો:1e2 દાયક*:10 સદી*:1e2 સોથી:1e2 હજાર*:1e3 લાખ*:1e5 કરોડ*:1e7 અબજ*:1e9 મિલિયન*:1e6
gu મીલીયન*:1e6 મિલીયન*:1e6 બિલિયન*:1e9 બિલીયન*:1e9 બીલીયન*:1e9 ટ્રિલિયન*:1e12 ટ્રીલીયન*:1e12
kn ನೂರ*:1e2 ದಶಕ*:10 ಶತಮಾನ*:1e2 ಸಾವಿರ*:1e3 ಲಕ್ಷ*:1e5 ಕೋಟಿ*:1e7 ಮಿಲಿಯ*:1e6 ಬಿಲಿಯ*:1e9
kn ಟ್ರಿಲಿಯ*:1e12 ದಶಲಕ್ಷ*:1e6 ಶತಕೋಟಿ*:1e9
ja 十:1e1 割:1e1 百:1e2 千:1e3 万:1e4 億:1e8 兆:1e12
"""

_WORDS = """
en 0 zero nil nought midnight
en 1 one first once single a an another each per January Jan
en 2 two second twice both double pair couple February Feb
en 3 three third thirds thrice triple March Mar
en 4 four fourth quarter quarters April Apr
en 5 five fifth May
en 6 six sixth June Jun
en 7 seven seventh July Jul
en 8 eight eighth August Aug
en 9 nine ninth September Sept
en 10 ten tenth October Oct teens teenage teenager teenagers
en 11 eleven eleventh November Nov
en 12 twelve twelfth dozen noon midday December Dec
en 13 thirteen thirteenth
en 14 fourteen fourteenth
en 15 fifteen fifteenth
en 16 sixteen sixteenth
en 17 seventeen seventeenth
en 18 eighteen eighteenth
en 19 nineteen nineteenth
en 20 twenty twentieth twenties
en 30 thirty thirtieth thirties
en 40 forty fortieth forties
en 50 fifty fiftieth fifties
en 60 sixty sixtieth sixties
en 70 seventy seventieth seventies
en 80 eighty eightieth eighties
en 90 ninety ninetieth nineties
en 0.5 half
es 0 cero medianoche
es 1 un uno una primero primera primer otro otra cada enero
es 2 dos segundo segunda ambos ambas doble par febrero
es 3 tres tercero tercera tercer triple marzo
es 4 cuatro cuarto cuarta cuartos abril
es 5 cinco quinto quinta mayo
es 6 seis sexto sexta junio
es 7 siete séptimo séptima julio
es 8 ocho octavo octava octavos agosto
es 9 nueve noveno novena septiembre
es 10 diez décimo décima decena octubre
es 11 once undécim* decimoprimer* noviembre
es 12 doce mediodía duodécim* decimosegund* docena docenas diciembre
es 13 trece decimotercer*
es 14 catorce decimocuart*
es 15 quince quincena decimoquint*
es 16 dieciséis decimosext*
es 17 diecisiete decimoséptim*
es 18 dieciocho decimooctav*
es 19 diecinueve decimonoven*
es 20 veinte veintena vigésim*
es 21 veintiuno veintiún veintiuna
es 22 veintidós
es 23 veintitrés
es 24 veinticuatro
es 25 veinticinco
es 26 veintiséis
es 27 veintisiete
es 28 veintiocho
es 29 veintinueve
es 30 treinta* treintena trigésim*
es 40 cuarenta* cuadragésim*
es 50 cincuenta* quincuagésim*
es 60 sesenta* sexagésim*
es 70 setenta* septuagésim*
es 80 ochenta* octogésim*
es 90 noventa* nonagésim*
es 200 doscientos doscientas
es 300 trescientos trescientas
es 400 cuatrocientos cuatrocientas
es 500 quinientos quinientas
es 600 seiscientos seiscientas
es 700 setecientos setecientas
es 800 ochocientos ochocientas
es 900 novecientos novecientas
es 0.5 medio media mitad
hi 0 शून्य
hi 1 एक पहला पहली पहले प्रथम
hi 1.5 डेढ़
hi 2 दो दोनों दूसरा दूसरी दूसरे द्वितीय दोहरा दुगना
hi 2.5 ढाई
hi 3 तीन तीनों तीसरा तीसरी तीसरे तृतीय
hi 4 चार चारों चौथा चौथी चौथे
hi 5 पांच पाँच पांचों पांचवां पांचवीं पांचवें पाँचवाँ पाँचवीं पाँचवें
hi 6 छह छः छे छठा छठी छठे छठवें
hi 7 सात सातों सातवां सातवीं सातवें
hi 8 आठ आठों आठवां आठवीं आठवें
hi 9 नौ नौवां नौवीं नौवें नवां नवीं
hi 10 दस दसों दसवां दसवीं दसवें
hi 11 ग्यारह ग्यारहवां ग्यारहवीं ग्यारहवें
hi 12 बारह बारहवां बारहवीं बारहवें दर्जन दर्जनों
hi 13 तेरह
hi 14 चौदह
hi 15 पंद्रह पन्द्रह
hi 16 सोलह
hi 17 सत्रह
hi 18 अठारह अट्ठारह
hi 19 उन्नीस
hi 20 बीस
hi 0.5 आधा आधी आधे
gu 0 શૂન્ય
gu 1 એક* પ્રથમ* પહેલ*
gu 1.5 દોઢ*
gu 2 બે બેનો બેને બેથી બંને* બન્ને* બીજા બીજી બીજું બીજો દ્વિતીય
gu 2.5 અઢી*
gu 3 ત્રણ* ત્રીજ* તૃતીય
gu 4 ચાર ચારે ચારેય ચારથી ચોથ*
gu 5 પાંચ* પાંચમ*
gu 6 છ છઠ્ઠ*
gu 7 સાત સાતમ*
gu 8 આઠ આઠમ*
gu 9 નવ નવમ*
gu 10 દસ દશ દસમ* દશમ*
gu 11 અગિયાર*
gu 12 બાર બારમ* ડઝન*
gu 13 તેર
gu 14 ચૌદ*
gu 15 પંદર*
gu 16 સોળ*
gu 17 સત્તર*
gu 18 અઢાર*
gu 19 ઓગણીસ*
gu 20 વીસ* વીશ*
gu 30 ત્રીસ* ત્રીશ*
gu 60 સાઈઠ* સાઠ*
gu 80 એંસી* એંશી*
gu 0.5 અડધ* અર્ધ*
kn 0 ಶೂನ್ಯ*
kn 1 ಒಂದ* ಒಬ್ಬ* ಮೊದಲ* ಪ್ರಥಮ*
kn 1.5 ಒಂದೂವರೆ*
kn 2 ಎರಡ* ಇಬ್ಬ* ದ್ವಿತೀಯ
kn 2.5 ಎರಡೂವರೆ*
kn 3 ಮೂರ* ಮೂವರ* ತೃತೀಯ
kn 4 ನಾಲ್ಕ* ನಾಲ್ವ*
kn 5 ಐದ* ಐವರ*
kn 6 ಆರು ಆರನೇ ಆರನೆಯ ಆರರ
kn 7 ಏಳು ಏಳನೇ ಏಳನೆಯ ಏಳರ
kn 8 ಎಂಟ*
kn 9 ಒಂಬತ್ತ* ಒಂಭತ್ತ*
kn 10 ಹತ್ತು ಹತ್ತನೇ ಹತ್ತನೆಯ ಹತ್ತರ
kn 11 ಹನ್ನೊಂದ*
kn 12 ಹನ್ನೆರಡ* ಡಜನ್*
kn 13 ಹದಿಮೂರ*
kn 14 ಹದಿನಾಲ್ಕ*
kn 15 ಹದಿನೈದ*
kn 16 ಹದಿನಾರ*
kn 17 ಹದಿನೇಳ*
kn 18 ಹದಿನೆಂಟ*
kn 19 ಹತ್ತೊಂಬತ್ತ* ಹತ್ತೊಂಭತ್ತ*
kn 20 ಇಪ್ಪತ್ತ*
kn 30 ಮೂವತ್ತ*
kn 40 ನಲವತ್ತ* ನಲ್ವತ್ತ*
kn 50 ಐವತ್ತ*
kn 60 ಅರವತ್ತ*
kn 70 ಎಪ್ಪತ್ತ*
kn 80 ಎಂಬತ್ತ* ಎಂಭತ್ತ*
kn 90 ತೊಂಬತ್ತ* ತೊಂಭತ್ತ*
kn 0.5 ಅರ್ಧ*
ja 0 〇 零 ゼロ
ja 1 一
ja 2 二 両
ja 3 三
ja 4 四
ja 5 五
ja 6 六
ja 7 七
ja 8 八
ja 9 九
ja 11 イレブン
ja 12 ダース
ja 0.5 半 ハーフ
hi 21+ इक्कीस बाईस तेईस चौबीस पच्चीस छब्बीस सत्ताईस अट्ठाईस उनतीस तीस
hi 31+ इकतीस बत्तीस तैंतीस चौंतीस पैंतीस छत्तीस सैंतीस अड़तीस उनतालीस चालीस
hi 41+ इकतालीस बयालीस तैंतालीस चौवालीस पैंतालीस छियालीस सैंतालीस अड़तालीस उनचास पचास
hi 51+ इक्यावन बावन तिरेपन चौवन पचपन छप्पन सत्तावन अट्ठावन उनसठ साठ
hi 61+ इकसठ बासठ तिरेसठ चौंसठ पैंसठ छियासठ सड़सठ अड़सठ उनहत्तर सत्तर
hi 71+ इकहत्तर बहत्तर तिहत्तर चौहत्तर पचहत्तर छिहत्तर सतहत्तर अठहत्तर उन्यासी अस्सी
hi 81+ इक्यासी बयासी तिरासी चौरासी पचासी छियासी सत्तासी अट्ठासी नवासी नब्बे
hi 91+ इक्यानवे बानवे तिरानवे चौरानवे पचानवे छियानवे सत्तानवे अट्ठानवे निन्यानवे
gu 21+ એકવીસ બાવીસ ત્રેવીસ ચોવીસ પચ્ચીસ છવ્વીસ સત્તાવીસ અઠ્ઠાવીસ ઓગણત્રીસ ત્રીસ
gu 31+ એકત્રીસ બત્રીસ તેત્રીસ ચોત્રીસ પાંત્રીસ છત્રીસ સાડત્રીસ આડત્રીસ ઓગણચાલીસ ચાલીસ
gu 41+ એકતાલીસ બેતાલીસ ત્રેતાલીસ ચુંમાલીસ પિસ્તાલીસ છેતાલીસ સુડતાલીસ અડતાલીસ ઓગણપચાસ પચાસ
gu 51+ એકાવન બાવન ત્રેપન ચોપન પંચાવન છપ્પન સત્તાવન અઠ્ઠાવન ઓગણસાઠ સાઠ
gu 61+ એકસઠ બાસઠ ત્રેસઠ ચોસઠ પાંસઠ છાસઠ સડસઠ અડસઠ અગણોસિત્તેર સિત્તેર
gu 71+ એકોતેર બોતેર તોતેર ચુમોતેર પંચોતેર છોતેર સિત્યોતેર ઇઠ્યોતેર ઓગણાએંસી એંસી
gu 81+ એક્યાસી બ્યાસી ત્યાસી ચોર્યાસી પંચાસી છ્યાસી સિત્યાસી ઈઠ્યાસી નેવ્યાસી નેવું
gu 91+ એકાણું બાણું ત્રાણું ચોરાણું પંચાણું છન્નું સત્તાણું અઠ્ઠાણું નવ્વાણું
"""
