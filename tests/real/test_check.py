"""stats-hero check and stats-hero symbols: what they say of real programs, and of files that are none.

BUILD names the build folder (build).
"""

import json
import os
import shutil
import struct
import subprocess
import unittest

from test_command import Scratch, call

CAPABILITY = struct.pack("<IIIII", 0x02000000 | 1, 1 << 10, 0, 0, 0)  # cap_net_bind_service


class Looking(Scratch):
    def check(self, program, status):
        """What `check --json` says; the text says the same."""
        result = call("check", "--json", program)
        self.assertEqual(result.returncode, status, result.stdout + result.stderr)
        facts = json.loads(result.stdout)
        self.assertEqual(facts["yes"], status == 0)
        text = call("check", program)
        self.assertEqual(text.returncode, status)
        self.assertIn(facts["verdict"], text.stdout.splitlines()[0])
        return facts

    def symbols(self, *arguments):
        result = call("symbols", "--json", *arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)["functions"]

    def names(self, *arguments):
        return [one["name"] for one in self.symbols(*arguments)]

    def compile(self, name, source, *options, compiler="gcc"):
        with open(self.path("source"), "w") as file:
            file.write(source)
        subprocess.run([compiler, "-x", "c++" if compiler == "g++" else "c", self.path("source"),
                        "-x", "none", "-o", self.path(name), "-O1", *options], check=True)
        return self.path(name)

    def tool(self, *arguments):
        subprocess.run(arguments, check=True, capture_output=True)

    @staticmethod
    def called(facts):
        return {call["name"]: call["modules"] for call in facts["calls"]}


class Check(Looking):
    def test_nginx(self):
        facts = self.check("nginx", 0)
        self.assertTrue(facts["dynamic"] and facts["stripped"])
        self.assertEqual((facts["libc"], facts["setuid"], facts["go"]), ("glibc", False, False))
        self.assertIn("nginx", self.called(facts)["accept4"])
        self.assertIn("nginx", self.called(facts)["SSL_read"])
        self.assertIn({"module": "libssl.so.3", "bundled": False}, facts["tls"])
        self.assertEqual(facts["missing_libraries"], [])

    def test_redis(self):
        facts = self.check("redis-server", 0)
        self.assertIn("write", self.called(facts))
        self.assertIn("requests", facts["verdict"])

    def test_python(self):
        self.assertIn("accept4", self.called(self.check("/usr/bin/python3", 0)))

    @unittest.skipUnless(shutil.which("node"), "needs node")
    def test_node(self):
        node = os.path.realpath(shutil.which("node"))
        facts = self.check(node, 0)
        bundles = subprocess.run(["nm", "-D", "--defined-only", node], capture_output=True, text=True)
        if " T SSL_read\n" in bundles.stdout:
            self.assertIn({"module": os.path.basename(node), "bundled": True}, facts["tls"])
            self.assertIn("TLS functions of its own", facts["verdict"])

    def test_a_program_without_connections(self):
        facts = self.check("/bin/true", 0)
        self.assertEqual(facts["calls"], [])
        self.assertIn("accepts connections", facts["verdict"])

    def test_static(self):
        for options in (["-static"], ["-static-pie"]):
            facts = self.check(self.compile("static", "int main(void) { return 0; }", *options), 1)
            self.assertIn("statically linked", facts["verdict"])
            self.assertFalse(facts["dynamic"])

    def test_a_setuid_program(self):
        program = shutil.copy("/bin/true", self.path("privileged"))
        for mode, key in ((0o4755, "setuid"), (0o2755, "setgid")):
            os.chmod(program, mode)
            facts = self.check(program, 1)
            self.assertTrue(facts[key])
            self.assertIn("setuid or setgid", facts["verdict"])

    @unittest.skipUnless(os.path.exists("/usr/bin/passwd"), "needs passwd")
    def test_passwd(self):
        self.assertTrue(self.check("/usr/bin/passwd", 1)["setuid"])

    @unittest.skipUnless(os.geteuid() == 0, "giving capabilities needs root")
    def test_file_capabilities(self):
        program = shutil.copy("/bin/true", self.path("capable"))
        try:
            os.setxattr(program, "security.capability", CAPABILITY)
        except OSError as error:
            self.skipTest(f"the file system keeps none: {error}")
        facts = self.check(program, 1)
        self.assertTrue(facts["capabilities"])
        self.assertIn("capabilities", facts["verdict"])

    def test_scripts(self):
        for line in ("#!/usr/bin/python3", "#! /usr/bin/python3 -s", "#!/usr/bin/env python3"):
            script = self.file("script", line.encode() + b"\nprint()\n")
            result = call("check", "--json", script, PATH="/usr/bin")
            self.assertEqual(result.returncode, 0, result.stderr)
            facts = json.loads(result.stdout)
            self.assertTrue(facts["script"])
            self.assertEqual(facts["file"], os.path.realpath("/usr/bin/python3"))
        second = self.file("second", b"#!" + script.encode() + b"\n")
        self.assertEqual(self.check(second, 0)["program"], second)

    def test_a_script_whose_interpreter_is_gone(self):
        self.refused(self.file("orphan", b"#!/no/such/interpreter\n"), "interpreter")

    def test_go(self):
        self.file("note", b"\xff Go buildinf:")
        self.tool("objcopy", "--add-section", f".go.buildinfo={self.path('note')}", "/bin/true", self.path("go"))
        facts = self.check(self.path("go"), 1)
        self.assertTrue(facts["go"])
        self.assertIn("Go program", facts["verdict"])

    def patched(self, name, *changes):
        with open("/bin/true", "rb") as file:
            content = file.read()
        for old, new in changes:
            self.assertIn(old, content)
            content = content.replace(old, new.ljust(len(old), b"\0"), 1)
        return self.file(name, content)

    @unittest.skipUnless(os.uname().machine == "x86_64", "is about its loader's name")
    def test_musl(self):
        program = self.patched("musl", (b"/lib64/ld-linux-x86-64.so.2", b"/lib/ld-musl-x86_64.so.1"))
        facts = self.check(program, 1)
        self.assertEqual(facts["libc"], "musl")
        self.assertIn("glibc", facts["verdict"])

    def test_other_machines(self):
        self.assertIn("32-bit", self.check(self.patched("32", (b"\x7fELF\x02", b"\x7fELF\x01")), 1)["verdict"])
        with open("/bin/true", "rb") as file:
            other = bytearray(file.read())
        other[18:20] = b"\x16\0"
        self.assertIn("another kind", self.check(self.file("s390", bytes(other)), 1)["verdict"])

    def test_a_library(self):
        library = self.compile("libx.so", "int f(void) { return 1; }", "-shared", "-fPIC", "-Wl,-soname,libx.so")
        self.assertIn("library", self.check(library, 1)["verdict"])

    def test_libraries_of_its_own_folder_and_missing_ones(self):
        library = self.compile("libx.so", "#include <sys/socket.h>\nint f(void) { return accept(0, 0, 0); }",
                               "-shared", "-fPIC", "-Wl,-soname,libx.so")
        program = self.compile("program", "int f(void); int main(void) { return f(); }", library,
                               "-Wl,-rpath,$ORIGIN")
        facts = self.check(program, 0)
        self.assertEqual(self.called(facts)["accept"], ["libx.so"])
        os.remove(library)
        self.assertEqual(self.check(program, 0)["missing_libraries"], ["libx.so"])

    def test_io_uring(self):
        program = self.compile("ring", "int io_uring_setup(void); int io_uring_setup(void) { return 1; }"
                                       "int main(void) { return io_uring_setup(); }")
        facts = self.check(program, 0)
        self.assertEqual(facts["io_uring"], ["ring"])
        self.assertIn("io_uring", facts["verdict"])

    def refused(self, program, why):
        for command in ("check", "symbols"):
            result = call(command, program)
            self.assertEqual((result.returncode, result.stdout), (2, ""), program)
            self.assertTrue(result.stderr.startswith(f"stats-hero {command}: can't read "), result.stderr)
            self.assertIn(why, result.stderr)

    def test_what_can_not_be_read(self):
        self.refused("/no/such/program", "not found")
        self.refused("no-such-program", "not found")
        self.refused(self.folder, "not a file")
        self.refused(self.file("text", b"hello\n"), "no program")
        self.refused(self.file("empty", b""), "no program")
        self.refused("/dev/null", "not a file")
        with open("/bin/true", "rb") as file:
            content = file.read()
        for n in (4, 63, 64, 1000, len(content) // 2):
            self.refused(self.file("cut", content[:n]), "damaged")

    def test_bad_usage(self):
        for command in ("check", "symbols"):
            for arguments in ([], ["a", "b", "c"], ["--nothing", "true"]):
                result = call(command, *arguments)
                self.assertEqual(result.returncode, 2)
                self.assertTrue(result.stderr.startswith(f"stats-hero {command}: "), result.stderr)


class Symbols(Looking):
    SHOP = """
namespace shop {
struct Cart { int add(int); int add(long); int n; };
__attribute__((noinline)) int Cart::add(int x) { return n += x; }
__attribute__((noinline)) int Cart::add(long x) { return n += (int)x; }
}
__attribute__((noinline)) static int by_hand(int x) { __asm__ volatile(""); return x * 3; }
int main(int n, char **) { shop::Cart cart = {n}; return cart.add(n) + cart.add(1L) + by_hand(n); }
"""

    def test_of_nginx(self):
        functions = {one["name"]: one for one in self.symbols("nginx")}
        self.assertGreater(len(functions), 500)
        one = functions["ngx_http_process_request"]
        self.assertEqual(one["module"], os.path.realpath(shutil.which("nginx")))
        self.assertGreater(one["size"], 0)
        text = call("symbols", "nginx", "ngx_http_process_request").stdout
        self.assertRegex(text, r"^ +%x +%d  nginx  ngx_http_process_request" % (one["address"], one["size"]))

    def test_addresses_are_those_of_readelf(self):
        nginx = shutil.which("nginx")
        lines = subprocess.run(["readelf", "-W", "--dyn-syms", nginx], capture_output=True, text=True).stdout
        fields = (line.split() for line in lines.splitlines() if " FUNC " in line and " UND " not in line)
        expected = {(int(field[1], 16), int(field[2])) for field in fields}
        self.assertGreater(len(expected), 500)
        listed = {(one["address"], one["size"]) for one in self.symbols(nginx)}
        self.assertLessEqual(expected, listed)

    def test_of_libraries(self):
        self.assertEqual(self.names("nginx", "SSL_read@libssl.so.3"), ["SSL_read"])
        copies = self.symbols("nginx", "memcpy@libc.so.6")
        self.assertEqual({one["version"] for one in copies}, {"GLIBC_2.2.5", "GLIBC_2.14"})
        self.assertEqual({one["indirect"] for one in copies}, {False, True})
        newest, = self.symbols("nginx", "memcpy@@GLIBC_2.14@libc.so.6")
        self.assertEqual(newest["version"], "GLIBC_2.14")

    def test_the_nearest_names(self):
        result = call("symbols", "redis-server", "procesComand")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("nearest are processCommand", result.stderr)
        result = call("symbols", "redis-server", "x@libnothing.so")
        self.assertEqual(result.returncode, 1)
        self.assertIn("neither the program nor a library", result.stderr)

    def test_cpp_names(self):
        program = self.compile("shop", self.SHOP, compiler="g++")
        self.assertEqual(len(self.names(program, "shop::Cart::add")), 2)
        self.assertEqual(self.names(program, "shop::Cart::add(long)"), ["_ZN4shop4Cart3addEl"])
        self.assertEqual(self.names(program, "by_hand"), ["_ZL7by_handi"])
        self.assertEqual(self.symbols(program, "_ZN4shop4Cart3addEl")[0]["demangled"], "shop::Cart::add(long)")
        self.assertIn("nearest are shop::Cart::add", call("symbols", program, "shop::Card::add").stderr)

    def test_programs_that_run_where_they_are_linked(self):
        program = self.compile("fixed", self.SHOP, "-no-pie", compiler="g++")
        self.assertGreater(self.symbols(program, "main")[0]["address"], 0x400000)

    def test_without_section_headers(self):
        program = self.compile("shop", self.SHOP, "-rdynamic", compiler="g++")
        before = set(self.names(program, "shop::*"))
        with open(program, "r+b") as file:
            file.seek(40)
            file.write(bytes(8))
            file.seek(58)
            file.write(bytes(6))
        self.assertEqual(set(self.names(program, "shop::*")), before)
        self.assertEqual(len(before), 2)

    def separate(self):
        program = self.compile("shop", self.SHOP, "-Wl,--build-id", compiler="g++")
        self.tool("objcopy", "--only-keep-debug", program, self.path("shop.debug"))
        self.tool("objcopy", "--strip-all", "--add-gnu-debuglink=" + self.path("shop.debug"), program)
        return program

    def test_a_debug_file_beside(self):
        program = self.separate()
        self.assertEqual(self.names(program, "by_hand"), ["_ZL7by_handi"])
        os.remove(self.path("shop.debug"))
        self.assertEqual(call("symbols", program, "by_hand").returncode, 1)

    def test_a_debug_file_of_another_build(self):
        program = self.separate()
        other = self.compile("other", self.SHOP + "int more;", "-Wl,--build-id", compiler="g++")
        shutil.copy(other, self.path("shop.debug"))
        self.assertEqual(call("symbols", program, "by_hand").returncode, 1)

    def test_bad_globs(self):
        for glob in ("", "@libc.so.6"):
            result = call("symbols", "true", glob)
            self.assertEqual(result.returncode, 2)
            self.assertIn("NAME@MODULE", result.stderr)


if __name__ == "__main__":
    unittest.main()
