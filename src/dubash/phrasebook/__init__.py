"""The phrasebooks that ship with dubash (TSV, CC0); see docs/phrasebook.md."""
