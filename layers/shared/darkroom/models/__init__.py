"""The words of the house: typed, frozen values that every other room speaks in."""
