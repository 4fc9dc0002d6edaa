# Everything here sets itself up first (ROS 2 and all libraries from wheels, in .venv); see `make help`.

PYTHON ?= python3
TYPESCRIPT := typescript@5.9.3
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

ROS := jazzy
SETUP := $(PYTHON) standalone/bootstrap.py --ros $(ROS)
ACTIVATE := . standalone/activate
# The value reaches the program as one word, whatever it contains.
quoted = '$(subst ','\'',$(1))'
option = $(if $($(1)),$(2) $(call quoted,$($(1))))
DEMO_OPTIONS = $(call option,IMAGES,--images) $(call option,NET,--net) \
	$(call option,WEIGHTS,--weights) $(call option,MINUTES,--minutes) $(call option,SIZE,--size)
RUN_OPTIONS = $(call option,INPUT,--input) $(call option,DATA,--data) $(call option,PORT,--port) \
	$(call option,HOST,--host) \
	$(call option,NET,--net) $(call option,WEIGHTS,--weights)

.PHONY: help demo run test check setup clean

help:
	@echo 'make demo    learn and recognise generated objects before your eyes, no camera needed'
	@echo '             IMAGES=folder NET=resnet18 WEIGHTS=imagenet|none|file MINUTES=5 SIZE=224'
	@echo 'make run     the robot: camera, recorder, trainer, classifier and the page'
	@echo '             INPUT=/dev/video0 DATA=data PORT=8050 HOST=0.0.0.0 NET=resnet18 WEIGHTS=imagenet|none|file'
	@echo 'make test    all tests            TESTS="test/capture -k video"'
	@echo 'make check   linter, types, rules of imports, types of the page'
	@echo 'make setup   only the set-up (the others do it too)'
	@echo 'make clean   remove what set-up and build made; your data stays'
	@echo 'PYTHON=python3.12 chooses the Python of the set-up, ROS=kilted other wheels than those of Jazzy'

setup:
	@$(SETUP)
	@echo 'make setup: ready'

# Ctrl-C (status 130) is how these two end.
demo:
	@began=$$SECONDS; $(SETUP); \
	$(ACTIVATE) && status=0; \
	recognizer demo --setup-s $$((SECONDS - began)) $(DEMO_OPTIONS) || status=$$?; \
	if [ $$status = 0 ] || [ $$status = 130 ]; then echo 'make demo: ended'; \
	else echo "make demo: failed (status $$status)" >&2; exit $$status; fi

run:
	@$(SETUP)
	@$(ACTIVATE) && status=0; recognizer run $(RUN_OPTIONS) || status=$$?; \
	if [ $$status = 0 ] || [ $$status = 130 ]; then echo 'make run: ended'; \
	else echo "make run: failed (status $$status)" >&2; exit $$status; fi

test:
	@$(SETUP) --dev
	@$(ACTIVATE) && status=0; python -m pytest $(TESTS) || status=$$?; \
	if [ $$status = 0 ]; then echo 'make test: passed'; \
	else echo "make test: failed (pytest's status $$status)" >&2; exit $$status; fi

check:
	@$(SETUP) --dev
	@$(ACTIVATE) && failed=; \
	echo '== ruff'; ruff check . || failed="$$failed ruff"; \
	echo '== mypy'; mypy || failed="$$failed mypy"; \
	echo '== import-linter'; lint-imports || failed="$$failed import-linter"; \
	echo '== tsc'; \
	if ! command -v npx >/dev/null; then echo 'no node on this machine: the types of the page are not checked'; \
	else npx --yes --package $(TYPESCRIPT) tsc -p web/jsconfig.json || failed="$$failed tsc"; fi; \
	if [ -z "$$failed" ]; then echo 'make check: passed'; \
	else echo "make check: failed:$$failed" >&2; exit 1; fi

clean:
	rm -rf .venv .venv.log build install log .mypy_cache .pytest_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@echo 'make clean: done'
