"""What was translated before and is to be kept to: the glossary. No torch."""
