//! What panics say.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};

/// The message of the panic that `f` ends in.
pub(crate) fn panic_of<R>(f: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(f)) else { panic!("nothing panicked") };
    payload.downcast_ref::<String>().cloned().unwrap_or_else(|| payload.downcast_ref::<&str>().unwrap().to_string())
}

/// Checks the message of a fault in `f`, which stands on the caller's line: "… (at file:line:column)".
#[track_caller]
pub(crate) fn expect<R>(message: &str, f: impl FnOnce() -> R) {
    let (said, caller) = (panic_of(f), Location::caller());
    let (file, line) = (caller.file(), caller.line());
    let place = said.strip_prefix(message).and_then(|rest| rest.strip_prefix(&format!(" (at {file}:{line}:")));
    let column = place.and_then(|rest| rest.strip_suffix(')'));
    assert!(column.is_some_and(|column| column.parse::<u32>().is_ok()), "{said}\nwanted {message} at line {line}");
}
