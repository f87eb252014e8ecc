"""Questions for `dubash probe` in English, Hindi and Kannada; phrases that admit not knowing."""
