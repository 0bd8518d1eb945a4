//! Text from outside, as a message shows it.

/// A text: quoted, and cut if it is long.
pub(crate) fn shown(text: impl AsRef<[u8]>) -> String {
    const LONGEST: usize = 40;
    let bytes = text.as_ref();
    // A character takes at most 4 bytes.
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST + 4)]);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{:?}…", &text[..end]),
        None => format!("{text:?}"),
    }
}

/// The first twenty of several texts.
pub(crate) fn listed(texts: &[impl AsRef<str>]) -> String {
    let mut first: Vec<_> = texts.iter().take(20).map(|text| shown(text.as_ref())).collect();
    if texts.len() > first.len() {
        first.push(format!("… ({} in all)", texts.len()));
    }
    first.join(", ")
}

/// The first text that is empty or there twice.
pub(crate) fn first_unfit(texts: &[impl AsRef<str>]) -> Option<&str> {
    let mut seen = std::collections::HashSet::new();
    texts.iter().map(AsRef::as_ref).find(|text| text.is_empty() || !seen.insert(*text))
}
