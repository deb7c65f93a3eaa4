"""Characters for games: one person with all expressions, in the forms of game engines."""
