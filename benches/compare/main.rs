//! `cargo bench --bench compare`: how fast the product is, against the least that the machine could do for the same.
//!
//! Everything is compared side by side in one run, in rounds that take turns (A B A B …); a figure is the median of the
//! rounds, a ratio the median of the ratios of each round. So what else the machine does weighs on both sides alike.
//! The product is the real binary in a process of its own, as it is released, on a file of its own. The load generator
//! runs on the same cores. A row with a failure is void.
//!
//! | variable | default | |
//! |---|---|---|
//! | `COMPARE_ROWS` | all | `checks`, `refreshes`, `store`, `logins`, `footprint`, `django`, `pocketbase`; separated by commas |
//! | `COMPARE_SECONDS` | 2 | of a round |
//! | `COMPARE_ROUNDS` | 5 | of each side |
//! | `COMPARE_LOG` | info | what the product logs; nobody reads it |
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a comparison that fails has no figures")]

mod bare;
mod checks;
mod django;
mod footprint;
mod load;
mod logins;
mod peers;
mod pocketbase;
mod refreshes;
mod site;
mod store;
#[expect(dead_code, reason = "tests use the rest")]
#[path = "../../tests/support/mod.rs"]
mod support;
mod table;

use load::Length;
use table::Table;

/// What was asked for.
pub struct Plan {
    /// Of a round.
    pub length: Length,
    /// Of each side.
    pub rounds: usize,
    rows: Option<String>,
}

impl Plan {
    fn of_environment() -> Self {
        let read = |name, default: f64| std::env::var(name).map_or(default, |text| text.parse().expect(name));
        Self {
            length: Length::of(read("COMPARE_SECONDS", 2.0)),
            rounds: read("COMPARE_ROUNDS", 5.0) as usize,
            rows: std::env::var("COMPARE_ROWS").ok(),
        }
    }

    fn has(&self, row: &str) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.split(',').any(|wanted| wanted.trim() == row))
    }
}

/// Measures some rows.
type Part = fn(&Plan, &mut Table);

fn main() {
    bare::serve_if_asked();
    let (plan, mut table) = (Plan::of_environment(), Table::default());
    let parts: [(&str, Part); 7] = [
        ("footprint", footprint::measure),
        ("checks", checks::measure),
        ("refreshes", refreshes::measure),
        ("store", store::measure),
        ("logins", logins::measure),
        ("django", django::measure),
        ("pocketbase", pocketbase::measure),
    ];
    for (name, measure) in parts {
        if plan.has(name) {
            eprintln!("{name} …");
            measure(&plan, &mut table);
        }
    }
    println!("{table}");
}
