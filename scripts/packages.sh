# Debian packages by job, sourced by ./hak. One "probe:package" a line; the package is installed
# when the probe, a command's name or an absolute path, does not exist.

packages_build="
gcc:gcc
/usr/include/stdlib.h:libc6-dev
meson:meson
ninja:ninja-build
python3:python3
"

packages_test="
g++:g++
clang:clang
/usr/lib/clang/14/lib/linux/libclang_rt.asan-x86_64.a:libclang-rt-14-dev
clang-format:clang-format
objdump:binutils
pkg-config:pkg-config
git:git
setarch:util-linux
ccache:ccache
strace:strace
valgrind:valgrind
spin:spin
aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu
aarch64-linux-gnu-g++:g++-aarch64-linux-gnu
/usr/aarch64-linux-gnu/include/stdlib.h:libc6-dev-arm64-cross
qemu-aarch64:qemu-user
musl-gcc:musl-tools
/usr/include/criterion/criterion.h:libcriterion-dev
/usr/include/numaif.h:libnuma-dev
"

# Real programs that hakmem must serve.
packages_programs="
/usr/lib/python3.11/test/test_json/__init__.py:libpython3.11-testsuite
perl:perl
sqlite3:sqlite3
redis-server:redis-server
redis-benchmark:redis-tools
node:nodejs
javac:default-jdk-headless
"

packages_coverage="
gcovr:gcovr
"

packages_bench="
/usr/lib/python3/dist-packages/numpy:python3-numpy
/usr/lib/python3/dist-packages/scipy:python3-scipy
size:binutils
git:git
/usr/lib/x86_64-linux-gnu/libmimalloc.so.2.0:libmimalloc2.0
/usr/lib/x86_64-linux-gnu/libjemalloc.so.2:libjemalloc2
/usr/lib/x86_64-linux-gnu/libtcmalloc_minimal.so.4:libtcmalloc-minimal4
/usr/lib/x86_64-linux-gnu/libtbbmalloc_proxy.so.2:libtbbmalloc2
perl:perl
sqlite3:sqlite3
redis-server:redis-server
redis-benchmark:redis-tools
node:nodejs
lua:lua5.4
strace:strace
valgrind:valgrind
"

packages_report="
/usr/lib/python3/dist-packages/numpy:python3-numpy
/usr/lib/python3/dist-packages/scipy:python3-scipy
/usr/share/javascript/chart.js/chart.min.js:libjs-chart.js
"

# The tests of the report open it in a browser.
packages_test="$packages_test
$packages_report
/usr/lib/python3/dist-packages/matplotlib:python3-matplotlib
/usr/lib/python3/dist-packages/selenium:python3-selenium
chromium:chromium
chromedriver:chromium-driver
"
