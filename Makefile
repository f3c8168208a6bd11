# The few things people type; meson does the work (docs/building.md).
PREFIX = /usr/local
BUILD = build

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup -Dtests=disabled $(BUILD)

# Installs what is missing to build, builds, and shows Ferry at work.
run:
	scripts/packages build
	$(MAKE) all
	scripts/run

# Installs what is missing to build and to test; the last line on stdout is the count of test cases.
test:
	scripts/packages build test
	@scripts/test

# Obeys PREFIX and DESTDIR.
install: all
	meson configure $(BUILD) --prefix=$(PREFIX)
	meson install -C $(BUILD)

format:
	scripts/format

clean:
	rm -rf build build-test build-clang

.PHONY: all run test install format clean
