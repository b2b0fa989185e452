"""From function and place to a unit: candidate features, rankers and abstention."""
