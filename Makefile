# make run   environment, dependencies, database, demo day, server; prints the links to click
# make test  everything, real browsers included       make check  style, types, structure, documents
# make bench speed and memory as ratios in one run    make clean  remove what the others made
# make soak  half an hour of sittings with killed workers: nothing leaks (LIANXIN_SOAK_MINUTES)
# make lipsync ten minutes of real peers over a bad line: sound and picture in the film (LIANXIN_LIPSYNC_MINUTES)
# make journey  one reception in real browsers, link to receipt: a picture of every page (--runs 10 measures)
# make life  a matter from each of the eight doors to its end, with every paper, on both databases
# make kills 100 kills of each worker at seeded moments: nothing recorded is missing (LIANXIN_KILLS)

PYTHON ?= python3
BIN := .venv/bin
# More than twice as many as cores, a file in one piece: three lanes wait for real time, two use the processor.
PYTEST_ARGS ?= -n 5 --dist loadfile

.PHONY: sentences
sentences: environment
	@$(BIN)/python -m web.sentences

.PHONY: run test check bench soak lipsync kills journey life clean environment development browser network lock

run: environment
	@$(BIN)/lianxin demo $(RUN_ARGS)

test: development browser network
	@$(BIN)/python -m tests $(PYTEST_ARGS)

check: development
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_architecture.py tests/test_docs.py

bench: development
	@$(BIN)/python -m bench.composition
	@$(BIN)/python -m bench.verification
	@$(BIN)/python -m bench.replaying
	@$(BIN)/python -m tests.recordings.archive_bench
	@$(BIN)/python -m tests.cases.register.bench
	@$(BIN)/python -m tests.cases.figures.figures_bench
	@$(BIN)/python -m bench --joining $(BENCH_ARGS)

soak: development
	@nice -n 10 $(BIN)/python -m tests.soak

lipsync: development
	@$(BIN)/python -m tests.recordings.live --minutes $${LIANXIN_LIPSYNC_MINUTES:-10}

kills: development
	@nice -n 10 $(BIN)/python -m tests.kills

journey: development browser
	@$(BIN)/python -m tests.journey $(JOURNEY_ARGS)

life: development browser
	@$(BIN)/python -m tests.life $(LIFE_ARGS)

environment:
	@$(PYTHON) bootstrap.py

development:
	@$(PYTHON) bootstrap.py --dev

# Real browsers belong to the tests. Without one the tests say loudly which of them did not run.
browser:
	@if ! command -v chromium >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "正在安装 Chromium 与中文字体 … (installing Chromium and a Chinese font)"; \
	    apt-get update >/dev/null 2>&1; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium fonts-noto-cjk >/dev/null 2>&1 \
	      || echo "!! Chromium 安装失败，浏览器测试不会运行 (Chromium could not be installed; browser tests will NOT run)"; \
	  else \
	    echo "!! 没有 chromium，也没有权限安装，浏览器测试不会运行 (no chromium and no right to install it; browser tests will NOT run)"; \
	  fi; \
	fi

	@if ! command -v firefox-esr >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "正在安装 Firefox ESR … (installing Firefox ESR)"; \
	    apt-get update >/dev/null 2>&1; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends firefox-esr >/dev/null 2>&1 \
	      || echo "!! Firefox 安装失败，混合浏览器测试不会运行 (Firefox could not be installed; the mixed room will NOT run)"; \
	  else \
	    echo "!! 没有 firefox-esr，也没有权限安装，混合浏览器测试不会运行 (no firefox-esr and no right to install it; the mixed room will NOT run)"; \
	  fi; \
	fi

# A relay and a firewall for the tests of bad networks. Without them those tests say that they did not run.
network:
	@if ! { command -v turnserver && command -v nft && command -v ip; } >/dev/null 2>&1; then \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    echo "正在安装 coturn、nftables、iproute2 … (installing coturn, nftables, iproute2)"; \
	    apt-get update >/dev/null 2>&1; \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends coturn nftables iproute2 >/dev/null 2>&1 \
	      || echo "!! 安装失败，中继和断网测试不会运行 (could not be installed; relay and firewall tests will NOT run)"; \
	  else \
	    echo "!! 没有 coturn 或 nftables，也没有权限安装，相应测试不会运行 (no coturn or nftables; their tests will NOT run)"; \
	  fi; \
	fi

# Exact versions with hashes, without the address of any registry.
lock: development
	@$(BIN)/pip-compile -q --strip-extras --allow-unsafe --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile -q --strip-extras --allow-unsafe --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --extra dev -c requirements.lock -o requirements-dev.lock pyproject.toml

clean:
	@rm -rf .venv var media/_build recordings/film/_build build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
