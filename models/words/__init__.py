"""Words: 32,768 kinds of small surroundings, under which a picture is found again."""
