//! Times as text: one reader and one writer for every door.

use authsrv::domain::times::{instant, length, seconds, written};

#[test]
fn lengths_of_time_have_units() {
    for (text, expected) in
        [("300", 300), ("90s", 90), ("5m", 300), ("24h", 86_400), ("30d", 2_592_000), ("6w", 3_628_800), (" 0 ", 0)]
    {
        assert_eq!(seconds(text), Some(expected), "{text}");
    }
    for (number, text) in [(0, "0s"), (90, "90s"), (300, "5m"), (7200, "2h"), (86_400, "1d"), (90_000, "25h")] {
        assert_eq!((length(number).as_str(), seconds(text)), (text, Some(number)));
    }
    for text in ["", "m", "+5", "-5", "1.5h", "1h30m", "5 m", "5M", "9999999999999999999w", "５"] {
        assert_eq!(seconds(text), None, "{text}");
    }
}

#[test]
fn instants_are_read_and_written_to_the_microsecond() {
    for (text, expected) in [
        ("2024-07-13T17:24:33Z", "2024-07-13T17:24:33Z"),
        ("2024-07-13 17:24", "2024-07-13T17:24:00Z"),
        ("2024-07-13T19:24:33.8555129+02:00", "2024-07-13T17:24:33.855512Z"),
    ] {
        assert_eq!(instant(text).map(written).as_deref(), Some(expected), "{text}");
    }
    for text in ["", "now", "2024-07-13", "2024-13-01T00:00:00Z", "2024-07-13T25:00:00Z"] {
        assert_eq!(instant(text), None, "{text}");
    }
}
