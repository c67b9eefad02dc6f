# make          the program; FEATURES=keyring has it ask the desktop's keyring
# make demo     a mailbox to try, mounted at ./demo
# make test     the whole test suite
# make soak     the simulation of sessions, servers and disks, and of days of one mount, for SOAK=600 seconds, with
#               seeds nobody has tried
# make faults   a mount under everything that can go wrong, for FAULTS=600 seconds (SEED=, KILLS=no)
# make mutations  breaks the program on purpose, and sees the simulation find it out
# make check    format, lints and documentation, warnings denied
# make audit    what is known of the dependencies, and the oldest Rust that will do; asks the network
# make bench    the benchmark, with options such as BENCH='--quick --only copy,grep'; BENCH=--help; with MAIL=DIR
#               of real mail as well
# make fuzz     what hostile octets break: each target for SECONDS=60; see fuzz/README.md
# make install  the program, its man page and mount.pop3fs (PREFIX=/usr/local DESTDIR=)
#
# "make", "make demo", "make test", "make check" and "make fuzz" install what they miss, Rust included, after
# saying what and why.

PREFIX ?= /usr/local
DESTDIR ?=
# mount(8) looks for its helpers in /sbin and nowhere else.
SBINDIR ?= $(if $(filter /usr/local,$(PREFIX)),/sbin,$(PREFIX)/sbin)
CARGO ?= cargo
FEATURES ?=
INSTALL ?= install
BENCH ?=
# Not "?=": where mail is delivered is in the environment of most users.
MAIL =
SOAK ?= 600
FIRST ?= $(shell date +%s)000
SECONDS ?= 60
FAULTS ?= 600
SEED ?=
KILLS ?= yes
program := $(or $(CARGO_TARGET_DIR),target)/release/pop3fs
# Where rustup puts cargo, which a fresh shell need not know.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

.PHONY: build demo test soak mutations faults check audit bench fuzz install uninstall

build:
	.ci/packages build $(FEATURES)
	$(CARGO) build --release --features '$(FEATURES)'

demo:
	.ci/packages demo
	tests/demo

test:
	.ci/packages test
	.ci/servers
	$(CARGO) test --workspace --all-features

soak:
	.ci/packages build
	POP3FS_MODEL_SECONDS=$(SOAK) POP3FS_MODEL_FIRST=$(FIRST) \
	  $(CARGO) test --release --test model -- --nocapture random

# The test suite has it for a few seconds.
faults:
	.ci/packages test
	POP3FS_FAULTS_SECONDS=$(FAULTS) POP3FS_FAULTS_SEED=$(SEED) POP3FS_FAULTS_KILLS=$(KILLS) \
	  $(CARGO) test --test suite faults:: -- --nocapture

mutations:
	.ci/packages build
	tests/mutations/run

check:
	.ci/packages build keyring
	$(CARGO) fmt --all -- --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS=-Dwarnings $(CARGO) doc --no-deps --workspace

audit:
	.ci/audit

# It installs nothing and says what it misses: a machine that is measured is left as it is.
bench:
	$(CARGO) bench --bench mount -- $(if $(MAIL),--mail '$(MAIL)') $(BENCH)

fuzz:
	.ci/packages fuzz
	fuzz/run $(SECONDS)

# Built only where it is missing, so that root needs no Rust: "make && sudo make install".
$(program):
	$(CARGO) build --release --features '$(FEATURES)'

install: $(program)
	$(INSTALL) -D -m 755 $(program) $(DESTDIR)$(PREFIX)/bin/pop3fs
	$(INSTALL) -D -m 644 man/pop3fs.1 $(DESTDIR)$(PREFIX)/share/man/man1/pop3fs.1
	$(INSTALL) -d $(DESTDIR)$(SBINDIR)
	ln -sf $(PREFIX)/bin/pop3fs $(DESTDIR)$(SBINDIR)/mount.pop3fs

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/pop3fs $(DESTDIR)$(SBINDIR)/mount.pop3fs
	rm -f $(DESTDIR)$(PREFIX)/share/man/man1/pop3fs.1
