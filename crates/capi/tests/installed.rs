//! What `./install` installs: the symbols, the header in C and in C++, the example, and what wrong pointers end in.

use std::collections::BTreeSet;
use std::fs::canonicalize;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use snugfit_testing::{compile, run, text};
use tempfile::TempDir;

const CRATE: &str = env!("CARGO_MANIFEST_DIR");

/// The libraries, installed in a folder that goes when this does.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let release = snugfit_testing::build("snugfit-capi");
        let target = release.parent().expect("the folder is in another");
        let installed = run(Command::new(Path::new(CRATE).join("../../install"))
            .env("CARGO_TARGET_DIR", target)
            .args(["--prefix".as_ref(), folder.path().as_os_str()]));
        assert!(installed.status.success(), "{}", text(&installed.stderr));
        Self(folder)
    }

    fn path(&self, file: &str) -> PathBuf {
        self.0.path().join(file)
    }

    fn string(&self, file: &str) -> String {
        self.path(file).into_os_string().into_string().expect("text")
    }

    /// Arguments that link a program with the static library.
    fn link_statically(&self) -> Vec<String> {
        vec![format!("-I{}", self.string("include")), self.string("lib/libsnugfit.a")]
    }

    /// Arguments that link a program with the shared library.
    fn link(&self) -> Vec<String> {
        let lib = self.string("lib");
        vec![
            format!("-I{}", self.string("include")),
            format!("-L{lib}"),
            "-lsnugfit".into(),
            format!("-Wl,-rpath,{lib}"),
        ]
    }
}

fn source(file: &str) -> PathBuf {
    Path::new(CRATE).join(file)
}

/// The global symbols that a library defines, by `nm` with these options.
fn symbols(options: &[&str], library: &Path) -> BTreeSet<String> {
    let listed = run(Command::new("nm").args(options).arg(library));
    assert!(listed.status.success(), "{}", text(&listed.stderr));
    text(&listed.stdout).lines().filter_map(|line| line.split(' ').nth(2).map(str::to_owned)).collect()
}

/// The functions that the header declares: each declaration is one line.
fn declared(installed: &Installed) -> BTreeSet<String> {
    let header =
        std::fs::read_to_string(installed.path("include/snugfit.h")).expect("the header is installed");
    let declarations = header.lines().filter(|line| line.ends_with(");") && !line.starts_with(' '));
    let name = |line: &str| {
        let (before, _) = line.split_once('(').expect("a declaration");
        before.rsplit([' ', '*']).next().expect("a name").to_owned()
    };
    declarations.map(name).collect()
}

#[test]
fn the_libraries_define_what_the_header_declares_and_nothing_else() {
    let installed = Installed::new();
    let declared = declared(&installed);
    assert!(declared.len() >= 14 && declared.contains("mem_free"), "{declared:?}");
    assert_eq!(symbols(&["-D", "--defined-only"], &installed.path("lib/libsnugfit.so")), declared);
    assert_eq!(symbols(&["-g", "--defined-only"], &installed.path("lib/libsnugfit.a")), declared);
}

#[test]
fn the_shared_libraries_have_their_versions() {
    let installed = Installed::new();
    for name in ["libsnugfit", "libsnugfit_malloc"] {
        let file = canonicalize(installed.path(&format!("lib/{name}.so"))).expect("it leads to a file");
        let version = env!("CARGO_PKG_VERSION");
        assert!(file.ends_with(format!("{name}.so.{version}")), "{}", file.display());
        let dynamic = run(Command::new("readelf").arg("-d").arg(&file));
        let major = version.split('.').next().expect("a number");
        assert!(text(&dynamic.stdout).contains(&format!("soname: [{name}.so.{major}]")));
    }
}

#[test]
fn every_call_does_what_it_says_in_c_and_in_cpp() {
    let installed = Installed::new();
    let program = installed.path("calls");
    let file = source("tests/c/calls.c");
    for (kind, arguments) in [("static", installed.link_statically()), ("shared", installed.link())] {
        compile(&file, &program, &arguments);
        assert_prints(&run(&mut Command::new(&program)), "every call does what it says\n", kind);
        let cpp_program = installed.path("calls_cpp");
        let compiled = run(Command::new("c++")
            .args(["-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-x", "c++"])
            .arg(&file)
            .args(["-x", "none", "-o"])
            .arg(&cpp_program)
            .args(&arguments));
        assert!(compiled.status.success(), "{}", text(&compiled.stderr));
        assert_prints(&run(&mut Command::new(&cpp_program)), "every call does what it says\n", kind);
    }
}

fn assert_prints(done: &Output, expected: &str, what: &str) {
    assert!(done.status.success(), "{what}: {}", text(&done.stderr));
    assert_eq!(text(&done.stdout), expected, "{what}");
}

#[test]
fn the_header_is_c99() {
    let installed = Installed::new();
    let include = format!("-I{}", installed.string("include"));
    let header = installed.path("include/snugfit.h");
    for standard in ["c99", "c11", "gnu17"] {
        let checked = run(Command::new("cc")
            .args(["-x", "c", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            .args([&format!("-std={standard}"), &include])
            .arg(&header));
        assert!(checked.status.success(), "{standard}: {}", text(&checked.stderr));
    }
}

#[test]
fn the_example_counts_words() {
    let installed = Installed::new();
    let program = installed.path("words");
    let input = "To each block its size, to each size its block; and to the end of it.\n".repeat(100);
    let text_file = installed.path("text");
    std::fs::write(&text_file, &input).expect("the folder takes files");
    for arguments in [installed.link_statically(), installed.link()] {
        compile(&source("examples/words.c"), &program, &arguments);
        let file = std::fs::File::open(&text_file).expect("the text is there");
        let done = run(Command::new(&program).stdin(Stdio::from(file)));
        assert!(text(&done.stdout).starts_with("300 to\n200 block\n200 each\n200 its\n200 size\n100 and\n"));
        assert!(done.status.success(), "{}", text(&done.stderr));
        assert!(text(&done.stderr).starts_with("10 words, ") && text(&done.stderr).ends_with(" 0 left\n"));
    }
}

#[test]
fn pkg_config_knows_how_to_link() {
    let installed = Installed::new();
    let file = std::fs::read_to_string(installed.path("lib/pkgconfig/snugfit.pc")).expect("it is installed");
    assert!(file.contains(&format!("prefix={}\n", installed.0.path().display())), "{file}");
    assert!(
        file.contains(&format!("Version: {}\n", env!("CARGO_PKG_VERSION"))) && !file.contains('@'),
        "{file}"
    );
    let mut asked = Command::new("pkg-config");
    asked.args(["--cflags", "--libs", "snugfit"]).env("PKG_CONFIG_PATH", installed.path("lib/pkgconfig"));
    // Where there is no pkg-config, the file has been looked at at least.
    let Ok(told) = asked.output() else { return };
    assert!(told.status.success(), "{}", text(&told.stderr));
    let flags: Vec<String> = text(&told.stdout).split_whitespace().map(str::to_owned).collect();
    let program = installed.path("linked");
    compile(&source("tests/c/calls.c"), &program, &flags);
    let done = run(Command::new(&program).env("LD_LIBRARY_PATH", installed.path("lib")));
    assert_prints(&done, "every call does what it says\n", "pkg-config");
}

#[test]
fn wrong_pointers_end_the_process_with_a_line() {
    let installed = Installed::new();
    let program = installed.path("misuse");
    compile(&source("tests/c/calls.c"), &program, installed.link_statically());
    for (misuse, function, is_stack, offset, what) in [
        ("interior", "mem_free", false, 1, "interior pointer: 1 byte into the 104-byte block at "),
        ("usable", "mem_usable_size", false, 16, "interior pointer: 16 bytes into the 104-byte block at "),
        ("double", "mem_free", false, 0, "double free"),
        ("sized", "mem_free_sized", false, 0, "wrong size"),
        ("stack", "mem_resize", true, 0, "not from this allocator"),
    ] {
        use std::os::unix::process::ExitStatusExt;
        let done = run(Command::new(&program).arg(misuse));
        assert_eq!(done.status.signal(), Some(libc::SIGABRT), "{misuse}: {}", text(&done.stderr));
        let printed = text(&done.stdout);
        let pointers: Vec<&str> = printed.split_whitespace().collect();
        let start = pointers[usize::from(is_stack)];
        let at = usize::from_str_radix(start.trim_start_matches("0x"), 16).expect("an address") + offset;
        let block = if what.ends_with(' ') { start } else { "" };
        assert_eq!(text(&done.stderr), format!("snugfit: {function}({at:#x}): {what}{block}\n"));
    }
}

#[test]
fn the_script_says_what_is_wrong() {
    let script = || Command::new(Path::new(CRATE).join("../../install"));
    let helped = run(script().arg("--help"));
    assert!(helped.status.success() && text(&helped.stdout).starts_with("usage: ./install"));
    for arguments in [vec!["--prefix"], vec!["--no-such-option"]] {
        let refused = run(script().args(&arguments));
        assert!(!refused.status.success() && text(&refused.stderr).contains("install: "), "{arguments:?}");
    }
}
