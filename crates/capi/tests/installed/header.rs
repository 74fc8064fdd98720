//! What compilers say of the header.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use snugfit_testing::{run, text};

use crate::installed::Installed;

#[test]
fn the_header_is_c_of_any_standard_since_c99() {
    let installed = Installed::new();
    let include = format!("-I{}", installed.string("include"));
    let header = installed.path("include/snugfit.h");
    for standard in ["c99", "c11", "gnu17"] {
        let checked = run(Command::new("cc")
            .args(["-x", "c", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic", "-Werror"])
            .args([&format!("-std={standard}"), &include])
            // Programs do such things.
            .args(["-Dmalloc=mem_alloc", "-Dfree=mem_free"])
            .arg(&header));
        assert!(checked.status.success(), "{standard}: {}", text(&checked.stderr));
    }
}

/// Compiles this body of a function.
fn compile_body(body: &str, installed: &Installed) -> Output {
    let mut compiler = Command::new("cc")
        .args(["-O2", "-Wall", "-Wextra", "-Werror", "-x", "c", "-c", "-o"])
        .args([&installed.string("object"), &format!("-I{}", installed.string("include")), "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("a C compiler is installed as `cc`");
    let source = format!(
        "#include <snugfit.h>\n#include <stdlib.h>\nvoid body(void);\nvoid body(void) {{ {body} }}\n"
    );
    compiler.stdin.take().expect("a pipe").write_all(source.as_bytes()).expect("the compiler reads");
    compiler.wait_with_output().expect("the compiler ends")
}

/// Other compilers see less of it.
#[test]
fn gcc_warns_of_mistakes() {
    let version = run(Command::new("cc").arg("--version"));
    if !text(&version.stdout).contains("Free Software Foundation") {
        return;
    }
    let installed = Installed::new();
    let compiled = |body: &str| compile_body(body, &installed);
    let correct =
        compiled("char *block = mem_resize(mem_alloc(10), 20); block[19] = 1; mem_free_sized(block, 20);");
    assert!(correct.status.success(), "{}", text(&correct.stderr));
    for (mistake, warning) in [
        ("free(mem_alloc(10));", "mismatched-dealloc"),
        ("free(mem_resize(NULL, 10));", "mismatched-dealloc"),
        ("mem_free(malloc(10));", "mismatched-dealloc"),
        ("mem_free((char *)mem_alloc(10) + 1);", "free-nonheap-object"),
        ("mem_alloc(10);", "unused-result"),
        ("if (mem_try_usable_size(NULL, NULL, NULL)) abort();", "nonnull"),
        ("if (mem_try_resize(NULL, 1, NULL)) abort();", "nonnull"),
    ] {
        let refused = compiled(mistake);
        let said = text(&refused.stderr);
        assert!(!refused.status.success() && said.contains(warning), "{mistake}: {said}");
    }
    for call in
        ["mem_alloc(10)", "mem_alloc_clear(5, 2)", "mem_alloc_aligned(64, 10)", "mem_resize(NULL, 10)"]
    {
        let filled = |size| {
            compiled(&format!("void *block = {call}; __builtin_memset(block, 1, {size}); mem_free(block);"))
        };
        assert!(filled(10).status.success(), "{call}: {}", text(&filled(10).stderr));
        assert!(!filled(11).status.success(), "{call}: a write behind the end is not seen");
    }
}
