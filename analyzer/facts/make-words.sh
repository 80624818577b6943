#!/bin/sh
# Writes words_enum.h: an enum for each line of words.def, WORD_<enumeration>_<word>.
# (The preprocessor can't paste an enumeration's name onto the words within its list.)
echo '/* Made from words.def by make-words.sh; do not edit. */'
sed -n 's/^WORDS(\([a-z]*\), \(.*\))$/\1 \2/p' "$1" | while read -r name list; do
	echo "enum word_$name {"
	for word in $(printf '%s' "$list" | sed 's/WORD(\([a-z0-9_]*\))/\1/g'); do echo "	WORD_${name}_$word,"; done
	echo "};"
done
