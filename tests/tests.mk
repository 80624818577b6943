# `make samples-accept` (CASES="one two": those alone) rewrites the samples' expected reports as they are now; read them before committing.
samples-accept: imapwhy
	@python3 tests/accept_samples.py $(CASES)
.PHONY: samples-accept
