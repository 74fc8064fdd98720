//! What a trial must find: programs that do under the library what they do not do without.

use crate::setting::program;
use crate::trial::Trial;

/// What a shell does with a line, judged as every program is. (The shell itself ends by `_exit` and reports nothing.)
fn judge(line: &'static str, reporting: &'static [&'static str]) {
    Trial::new("sh", reporting).compare(|| {
        let mut command = program("sh");
        command.args(["-c", line]);
        command
    });
}

#[test]
fn a_program_that_does_the_same_passes() {
    judge("echo same; cat /dev/null; exit 3", &["cat"]);
}

#[test]
#[should_panic(expected = r#"from byte 6 on, "other\n" became "ours\n""#)]
fn another_output_is_found() {
    judge("echo same; cat /dev/null; [ -n \"${LD_PRELOAD-}\" ] && echo ours || echo other", &["cat"]);
}

#[test]
#[should_panic(expected = "left: ExitStatus")]
fn another_end_is_found() {
    judge("echo same; cat /dev/null; [ -z \"${LD_PRELOAD-}\" ]", &["cat"]);
}

#[test]
#[should_panic(expected = "snugfit: oh dear")]
fn a_complaint_is_found() {
    judge("echo same; cat /dev/null; echo snugfit: oh dear >&2", &["cat"]);
}

#[test]
#[should_panic(expected = "no `sort` among")]
fn a_process_that_did_not_report_is_found() {
    judge("echo same; cat /dev/null", &["cat", "sort"]);
}

#[test]
#[should_panic(expected = r#"{"program":"a","valid":false}"#)]
fn a_heap_that_is_not_sound_is_found() {
    // As a process would say it.
    judge(
        r#"echo same; cat /dev/null
        [ -z "${SNUGFIT_OPTIONS-}" ] || echo '{"program":"a","valid":false}' >>"${SNUGFIT_OPTIONS#*stats=}""#,
        &["cat"],
    );
}
