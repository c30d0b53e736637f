//! Which of its two renderers a view answers with: JSON, or the browsable page. As Django REST framework chooses: by
//! `?format=` or the ending of the path, else by the most specific media range of `Accept`; `q` is not looked at.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renderer {
    /// `application/json`, indented by so many blanks.
    Json(usize),
    /// `text/html`: the browsable page.
    Html,
}

/// Why none is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoRenderer {
    /// `?format=` or the ending of the path names none.
    UnknownFormat,
    /// `Accept` admits none.
    NotAcceptable,
}

/// Deepest indentation that a client may ask for, in blanks (`JSONRenderer.get_indent`).
const INDENT_MAX: usize = 8;

/// The renderer for a request. `format`: the ending of the path or the parameter, empty for none; `browsable`: whether
/// the view has a page at all.
///
/// # Errors
/// [`NoRenderer`].
pub fn choose(headers: &HeaderMap, format: &str, browsable: bool) -> Result<Renderer, NoRenderer> {
    let offered = match format {
        "" => [true, browsable],
        "json" => [true, false],
        "api" if browsable => [false, true],
        _ => return Err(NoRenderer::UnknownFormat),
    };
    let mut values = headers.get_all(ACCEPT).iter().peekable();
    let accept = if values.peek().is_none() {
        "*/*".to_owned()
    } else {
        values.map(|value| String::from_utf8_lossy(value.as_bytes())).collect::<Vec<_>>().join(",")
    };
    let mut ranges: Vec<Range> = accept.split(',').filter_map(Range::parse).collect();
    ranges.sort_by_key(|range| std::cmp::Reverse(range.precedence()));
    // Of ranges that are equally special none goes before another: there the order of the renderers decides.
    let same = |one: &Range, other: &Range| one.precedence() == other.precedence();
    let found = ranges.chunk_by(same).find_map(|equal| {
        let json = || equal.iter().find_map(|range| range.json(offered[0]));
        let html = || equal.iter().any(|range| range.html(offered[1])).then_some(Renderer::Html);
        json().or_else(html)
    });
    found.ok_or(NoRenderer::NotAcceptable)
}

/// A media range of `Accept`.
struct Range<'a> {
    main: &'a str,
    sub: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
}

impl<'a> Range<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        let parameters = parts.filter_map(|part| part.split_once('=')).filter(|(name, _)| *name != "q").collect();
        Some(Self { main, sub, parameters })
    }

    /// The more, the sooner it is tried.
    fn precedence(&self) -> u8 {
        match (self.main, self.sub) {
            ("*", _) => 0,
            (_, "*") => 1,
            _ if self.parameters.is_empty() => 2,
            _ => 3,
        }
    }

    fn admits(&self, main: &str, sub: &str) -> bool {
        let same = |range: &str, name: &str| range == "*" || range.eq_ignore_ascii_case(name);
        same(self.main, main) && same(self.sub, sub)
    }

    fn json(&self, offered: bool) -> Option<Renderer> {
        (offered && self.admits("application", "json")).then(|| {
            let indent = self.parameters.iter().find(|(name, _)| *name == "indent");
            let blanks = indent.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
            Renderer::Json(blanks.min(INDENT_MAX))
        })
    }

    fn html(&self, offered: bool) -> bool {
        offered && self.admits("text", "html")
    }
}
