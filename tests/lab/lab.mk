# The lab: real failures on demand, labelled, and the score on them. See tests/lab/README.md.
LAB ?= $(BUILD)/lab
LAB_OPTIONS = --out $(LAB) $(if $(ONLY),--only $(ONLY)) $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(if $(QUICK),--quick) $(if $(ADD),--add)

lab:
	@sh tests/setup.sh lab
	@python3 tests/lab/run.py $(LAB_OPTIONS)

# The crowds alone, played into the same folder, and scored.
incidents: all
	@sh tests/setup.sh lab
	@python3 tests/lab/run.py $(LAB_OPTIONS) --only $(or $(ONLY),incident_) --add
	@python3 tests/lab/score_incidents.py --tool ./imapwhy --labels $(LAB)/incidents.json

# An ordinary day out of what make lab made: no incident but those that a capture tells alone.
mix: all
	@python3 tests/lab/mix.py --tool ./imapwhy --labels $(LAB)/labels.json

accuracy: all
	@python3 tests/lab/score.py --tool ./imapwhy --labels $(LAB)/labels.json --show wrong --write docs/accuracy.md

calibrate: all
	@python3 tests/lab/calibrate.py --tool ./imapwhy --labels $(LAB)/labels.json $(MORE) --rules rules --write

.PHONY: lab incidents mix accuracy calibrate
