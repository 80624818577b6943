/* The tables of dialogue.def. */
#include "model.h"

#include <string.h>

const struct meaning_kind meaning_kinds[MEANINGS] = {
#define MEANING(word, from, says) [MEANS_##word] = { #word, says, FROM_##from },
#include "dialogue.def"
#undef MEANING
};

const struct phase_kind phase_kinds[PHASES] = {
#define PHASE(word, group, says) [PHASE_##word] = { #word, says, GROUP_##group },
#include "dialogue.def"
#undef PHASE
};

const struct dialogue_step dialogue_steps[] = {
#define STEP(phase, meaning, then) { PHASE_##phase, MEANS_##meaning, PHASE_##then },
#include "dialogue.def"
#undef STEP
};

const int dialogue_step_count = sizeof dialogue_steps / sizeof *dialogue_steps;

_Static_assert(sizeof dialogue_steps / sizeof *dialogue_steps <= STEPS_MOST, "inside_habits has room for every step");
_Static_assert(MEANINGS <= 32, "the meanings of a server are bits");
_Static_assert(PHASES <= 32, "the phases that one leads to are bits");

int meaning_by_word(const char *word)
{
	for (int i = 0; i < MEANINGS; i++)
		if (strcmp(meaning_kinds[i].word, word) == 0)
			return i;
	return -1;
}

int phase_by_word(const char *word)
{
	for (int i = 0; i < PHASES; i++)
		if (strcmp(phase_kinds[i].word, word) == 0)
			return i;
	return -1;
}

int dialogue_step_of(enum phase phase, enum meaning meaning)
{
	for (int i = 0; i < dialogue_step_count; i++)
		if (dialogue_steps[i].phase == phase && dialogue_steps[i].meaning == meaning)
			return i;
	return -1;
}
