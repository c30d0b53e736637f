//! The viewers' pages, and the files that they load.
//!
//! `aide` gives each viewer as one page with everything inline. Here the scripts and styles are cut out of it, once, and
//! kept packed; the pages around them are ours.

use std::io::{Read, Write};
use std::sync::OnceLock;

use axum::body::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;

use crate::http::browse::files::FILES;

/// A file in gzip form.
pub struct Packed(Bytes);

impl Packed {
    /// Packs a text.
    pub fn of(text: &str) -> Self {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        // Writing into memory does not fail.
        let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
        Self(packed.unwrap_or_default().into())
    }

    /// As it is.
    pub fn bytes(&self) -> Bytes {
        self.0.clone()
    }

    /// Unpacked, for the rare client that does not unpack.
    pub fn unpacked(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Err(wrong) = GzDecoder::new(self.0.as_ref()).read_to_end(&mut bytes) {
            tracing::error!(%wrong, "a file of the documentation cannot be unpacked");
        }
        bytes
    }
}

macro_rules! page {
    ($title:literal, $head:expr, $body:expr) => {
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
            $title,
            "</title>\n<link rel=\"icon\" href=\"data:,\">\n",
            $head,
            "</head>\n<body>\n",
            $body,
            "</body>\n</html>\n"
        )
    };
}

const SWAGGER_PAGE: &str = page!(
    "authsrv: API",
    concat!("<link rel=\"stylesheet\" href=\"/api/docs/swagger-ui.css?v=", env!("CARGO_PKG_VERSION"), "\">\n"),
    concat!(
        "<div id=\"swagger-ui\"></div>\n<script src=\"/api/docs/swagger-ui.js?v=",
        env!("CARGO_PKG_VERSION"),
        "\"></script>\n<script src=\"/api/docs/start-swagger.js?v=",
        env!("CARGO_PKG_VERSION"),
        "\"></script>\n"
    )
);

const REDOC_PAGE: &str = page!(
    "authsrv: API reference",
    "<style>body { margin: 0 }</style>\n",
    concat!(
        "<div id=\"redoc\"></div>\n<script src=\"/api/redoc/redoc.js?v=",
        env!("CARGO_PKG_VERSION"),
        "\"></script>\n<script src=\"/api/redoc/start-redoc.js?v=",
        env!("CARGO_PKG_VERSION"),
        "\"></script>\n"
    )
);

const START_SWAGGER: &str = r##"SwaggerUIBundle({
    url: "/api/schema/",
    dom_id: "#swagger-ui",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: false,
    validatorUrl: null
});
"##;

const START_REDOC: &str =
    "Redoc.init(\"/api/schema/\", { hideDownloadButton: false }, document.getElementById(\"redoc\"));\n";

/// The page of Swagger UI.
pub fn swagger() -> &'static Packed {
    static PAGE: OnceLock<Packed> = OnceLock::new();
    PAGE.get_or_init(|| Packed::of(SWAGGER_PAGE))
}

/// The page of ReDoc.
pub fn redoc() -> &'static Packed {
    static PAGE: OnceLock<Packed> = OnceLock::new();
    PAGE.get_or_init(|| Packed::of(REDOC_PAGE))
}

/// A file by its name, with its media type.
pub fn file(name: &str) -> Option<(&'static str, &'static Packed)> {
    const SCRIPT: &str = "text/javascript; charset=utf-8";
    static FILES: [OnceLock<Packed>; 5] = [const { OnceLock::new() }; 5];
    let (at, media_type, make): (usize, _, fn() -> String) = match name {
        "swagger-ui.js" => (0, SCRIPT, swagger_script),
        "swagger-ui.css" => (1, "text/css; charset=utf-8", swagger_style),
        "start-swagger.js" => (2, SCRIPT, || START_SWAGGER.to_owned()),
        "redoc.js" => (3, SCRIPT, redoc_script),
        "start-redoc.js" => (4, SCRIPT, || START_REDOC.to_owned()),
        _ => return None,
    };
    Some((media_type, FILES[at].get_or_init(|| Packed::of(&make()))))
}

/// A file of the browsable pages by its name, with its media type.
pub fn browse_file(name: &str) -> Option<(&'static str, &'static Packed)> {
    static PACKED: [OnceLock<Packed>; 3] = [const { OnceLock::new() }; 3];
    let (file, packed) = FILES.iter().zip(&PACKED).find(|(file, _)| file.name == name)?;
    Some((file.media_type, packed.get_or_init(|| Packed::of(file.content))))
}

fn swagger_script() -> String {
    let page = aide::swagger::Swagger::new("/api/schema/").html();
    // Never asked for with `validatorUrl: null`; out of the file all the same.
    between(&page, "<script>", "</script>").replace("https://validator.swagger.io/validator", "")
}

fn swagger_style() -> String {
    between(&aide::swagger::Swagger::new("/api/schema/").html(), "<style>", "</style>").to_owned()
}

fn redoc_script() -> String {
    let page = aide::redoc::Redoc::new("/api/schema/").html();
    // The one picture that it would fetch from elsewhere, and the link that it hangs on.
    between(&page, "<script>", "Redoc.init(\"/api/schema/\"")
        .replace("https://cdn.redoc.ly/redoc/logo-mini.svg", "data:,")
        .replace("https://redocly.com/redoc/", "#")
}

/// What stands between the first `from` and the next `to`; all of the rest if that does not come.
fn between<'a>(page: &'a str, from: &str, to: &str) -> &'a str {
    let rest = page.split_once(from).map_or("", |(_, rest)| rest);
    rest.split_once(to).map_or(rest, |(found, _)| found)
}
