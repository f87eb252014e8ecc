"""One template for training and serving, one mask, and the check that both are what they seem."""
