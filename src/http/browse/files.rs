//! The files that the pages load. Each name carries a print of the content, so a file may be kept for good.

use std::sync::LazyLock;

/// A file of the pages.
pub struct File {
    /// `page.`, the print, and the ending.
    pub name: String,
    /// For `Content-Type`.
    pub media_type: &'static str,
    /// The text.
    pub content: &'static str,
}

/// All of them: style, script, icon.
pub static FILES: LazyLock<[File; 3]> = LazyLock::new(|| {
    [
        file("css", "text/css; charset=utf-8", include_str!("html/page.css")),
        file("js", "text/javascript; charset=utf-8", include_str!("html/page.js")),
        file("svg", "image/svg+xml", include_str!("html/icon.svg")),
    ]
});

fn file(end: &str, media_type: &'static str, content: &'static str) -> File {
    File { name: format!("page.{:016x}.{end}", print(content)), media_type, content }
}

/// FNV-1a: tells one release's file from another's; nobody has to be kept from making two alike.
fn print(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |print, byte| (print ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
