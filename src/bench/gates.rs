//! What must hold before anybody says that this limiter is better than its peers (study §D.7).
//!
//! Each gate is one sentence with one or more checks: a figure, a limit, and whether it holds. Figures are medians over
//! the seeds.

use std::fmt;

use serde_json::{Value, json};

use super::cell::{Cell, Happening, Meter};
use super::contest::{Contest, Row};
use super::contestant::Contestant;
use super::scenarios;
use super::work::{Arrivals, Means};

/// Where the rival has fewer 429s per attempt than this, one more reject would decide: ours need only be as few.
const NEGLIGIBLE: f64 = 0.001;

/// A figure held against its limit.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// Where and what.
    pub what: String,
    /// The figure.
    pub figure: f64,
    /// Its limit.
    pub limit: Limit,
    /// What puts the figure into perspective, possibly empty.
    pub beside: String,
}

/// Which side of a figure is right.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// No less than this.
    AtLeast(f64),
    /// No more than this.
    AtMost(f64),
}

impl Check {
    /// Whether the figure keeps its limit.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self.limit {
            Limit::AtLeast(limit) => self.figure >= limit,
            Limit::AtMost(limit) => self.figure <= limit,
        }
    }
}

/// A sentence and its checks.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// The sentence.
    pub sentence: &'static str,
    /// What it was checked by.
    pub checks: Vec<Check>,
}

impl Gate {
    /// Whether it was checked, and all of it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(Check::holds)
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let missed = self.checks.iter().filter(|check| !check.holds()).count();
        let verdict = match (self.checks.len(), missed) {
            (0, _) => "NOT RUN".to_owned(),
            (all, 0) => format!("holds ({all} of {all})"),
            (all, missed) => format!("MISSED ({missed} of {all})"),
        };
        writeln!(f, "{verdict}: {}", self.sentence)?;
        for check in &self.checks {
            let mark = if check.holds() { "  ok  " } else { "  MISS" };
            let (sign, limit) = match check.limit {
                Limit::AtLeast(limit) => (">=", limit),
                Limit::AtMost(limit) => ("<=", limit),
            };
            writeln!(f, "{mark} {:<72} {:>9.4} {sign} {limit:<8.4} {}", check.what, check.figure, check.beside)?;
        }
        Ok(())
    }
}

/// For scripts: `{gate, holds, checks: [{what, figure, at_least|at_most, holds}]}`. A figure that was never reached is null.
#[must_use]
pub fn json(gates: &[Gate]) -> Value {
    let finite = |value: f64| if value.is_finite() { json!(value) } else { Value::Null };
    let check = |check: &Check| {
        let (side, limit) = match check.limit {
            Limit::AtLeast(limit) => ("at_least", limit),
            Limit::AtMost(limit) => ("at_most", limit),
        };
        json!({ "what": check.what, "figure": finite(check.figure), side: finite(limit), "holds": check.holds() })
    };
    gates
        .iter()
        .map(|gate| {
            let checks: Value = gate.checks.iter().map(check).collect();
            json!({ "gate": gate.sentence, "holds": gate.holds(), "checks": checks })
        })
        .collect()
}

/// The rows that gates look at.
#[must_use]
pub fn contest(seeds: u64) -> Contest {
    let wanted = |cell: &Cell| {
        matches!(cell.id, "S1" | "S2" | "S3" | "S4" | "S6" | "S9" | "S10" | "S14")
            || (cell.id == "S5" && is_heavy(cell))
            || cell.configured
    };
    let cells = scenarios::all().into_iter().filter(wanted).collect();
    let contestants = vec![Contestant::Ours, Contestant::SdkAdaptive, Contestant::Pacer, Contestant::Optimum];
    Contest { cells, contestants, seeds }
}

/// `max_tokens` far above what is used.
fn is_heavy(cell: &Cell) -> bool {
    cell.shape.name == "over-reserved"
}

/// Judges them.
#[must_use]
pub fn judge(rows: &[Row]) -> Vec<Gate> {
    let judge = Judge { rows };
    vec![
        judge.constant_goodput(),
        judge.constant_throttles(),
        judge.against_the_sdk(),
        judge.steps_down(),
        judge.steps_up(),
        judge.at_least("output-heavy: goodput >= 0.95 of the optimum", 0.95, |cell| cell.id == "S4"),
        judge.at_least("over-reserved: goodput >= 0.95 of the optimum", 0.95, |cell| cell.id == "S5" && is_heavy(cell)),
        judge.bursts(),
        judge.slowness(),
        judge.fairness(),
        judge.priority(),
        judge.configured(),
        judge.at_least("rejects are charged: goodput >= 0.95 of the optimum", 0.95, |cell| cell.id == "S14"),
    ]
}

struct Judge<'a> {
    rows: &'a [Row],
}

fn place(cell: &Cell) -> String {
    format!("{}, {}", cell.name(), cell.service.meter.name())
}

impl<'a> Judge<'a> {
    fn ours(&self) -> impl Iterator<Item = &'a Row> {
        self.rows.iter().filter(|row| row.contestant == Contestant::Ours)
    }

    fn rival(&self, cell: &Cell, contestant: Contestant) -> Option<&'a Row> {
        self.rows.iter().find(|row| row.contestant == contestant && row.cell == *cell)
    }

    fn constant(&self) -> impl Iterator<Item = &'a Row> {
        self.ours().filter(|row| row.cell.id == "S1" && !row.cell.configured)
    }

    fn at_least(&self, sentence: &'static str, limit: f64, wanted: fn(&Cell) -> bool) -> Gate {
        let checks = self.ours().filter(|row| wanted(&row.cell)).map(|row| goodput(row, limit)).collect();
        Gate { sentence, checks }
    }

    fn constant_goodput(&self) -> Gate {
        Gate {
            sentence: "S1, quota unknown: goodput >= 0.98 of the optimum",
            checks: self.constant().map(|row| goodput(row, 0.98)).collect(),
        }
    }

    fn constant_throttles(&self) -> Gate {
        let check = |row: &Row| {
            let limit = if row.cell.service.tpm < 100_000 { 0.02 } else { 0.005 };
            Check {
                what: format!("{}: 429 share", place(&row.cell)),
                figure: row.throttles.median,
                limit: Limit::AtMost(limit),
                beside: String::new(),
            }
        };
        Gate {
            sentence: "S1, quota unknown: 429 share <= 0.5 % (<= 2 % at 20k TPM)",
            checks: self.constant().map(check).collect(),
        }
    }

    fn against_the_sdk(&self) -> Gate {
        let check = |row: &'a Row| {
            let sdk = self.rival(&row.cell, Contestant::SdkAdaptive)?;
            let share = sdk.throttles.median;
            let limit = if share < NEGLIGIBLE { NEGLIGIBLE } else { share / 5.0 };
            Some(Check {
                what: format!("{}: 429 share", place(&row.cell)),
                figure: row.throttles.median,
                limit: Limit::AtMost(limit),
                beside: format!("(sdk adaptive {share:.4})"),
            })
        };
        Gate {
            sentence: "S1, quota unknown: 429 share <= 1/5 of the SDK's adaptive mode",
            checks: self.constant().filter_map(check).collect(),
        }
    }

    /// Steps of quotas that are at least 2M TPM before it.
    fn steps(&self, id: &'static str) -> impl Iterator<Item = &'a Row> {
        self.ours().filter(move |row| row.cell.id == id && row.cell.service.tpm >= 2_000_000)
    }

    fn settles(&self, row: &Row, limit: f64) -> Check {
        let best = self.rival(&row.cell, Contestant::Optimum).map_or(f64::NAN, |row| row.settles.median);
        Check {
            what: format!("{}: T90, s", place(&row.cell)),
            figure: row.settles.median,
            limit: Limit::AtMost(limit),
            beside: format!("(the optimum {best:.1})"),
        }
    }

    fn steps_down(&self) -> Gate {
        let mut checks = Vec::new();
        for row in self.steps("S2") {
            checks.push(self.settles(row, 10.0));
            checks.push(Check {
                what: format!("{}: throttle epochs", place(&row.cell)),
                figure: row.epochs.median,
                limit: Limit::AtMost(5.0),
                beside: String::new(),
            });
        }
        Gate { sentence: "quota cut at >= 2M TPM: settled in <= 10 s, in <= 5 throttle epochs", checks }
    }

    fn steps_up(&self) -> Gate {
        let twice = |row: &&Row| row.cell.happenings.iter().any(|&(_, happening)| happening == Happening::Quota(2.0));
        let checks = self.steps("S3").filter(twice).map(|row| self.settles(row, 60.0)).collect();
        Gate { sentence: "quota doubled at >= 2M TPM: settled in <= 60 s", checks }
    }

    fn bursts(&self) -> Gate {
        let checks = self
            .ours()
            .filter(|row| {
                matches!(row.cell.arrivals, Arrivals::Bursts { .. }) && row.cell.service.meter == Meter::Bucket(60)
            })
            .filter_map(|row| {
                let pacer = self.rival(&row.cell, Contestant::Pacer)?;
                Some(Check {
                    what: format!("{}: p99 delay, s", place(&row.cell)),
                    figure: row.delay[1].median,
                    limit: Limit::AtMost(pacer.delay[1].median / 2.0),
                    beside: format!("(pacer 85 % {:.2})", pacer.delay[1].median),
                })
            })
            .collect();
        Gate { sentence: "bursts after idleness on the 60 s bucket: p99 delay <= half of the 85 % pacer's", checks }
    }

    fn slowness(&self) -> Gate {
        let mut checks = Vec::new();
        for row in self.ours().filter(|row| row.cell.id == "S9") {
            // Replies that take longer leave the scored stretch later, for the optimum as for us.
            checks.push(goodput(row, 0.98));
            checks.push(Check {
                what: format!("{}: lowest belief / quota", place(&row.cell)),
                figure: row.lowest_belief.median,
                limit: Limit::AtLeast(0.97),
                beside: String::new(),
            });
        }
        Gate { sentence: "latency x5 with the quota unchanged: no rate cut", checks }
    }

    fn fairness(&self) -> Gate {
        let weighted = |row: &&Row| row.cell.crowd.weights != [1.0; 3];
        let checks = self
            .ours()
            .filter(weighted)
            .map(|row| Check {
                what: format!("{}: Jain", place(&row.cell)),
                figure: row.jain.median,
                limit: Limit::AtLeast(0.98),
                beside: String::new(),
            })
            .collect();
        Gate { sentence: "weighted flows: Jain >= 0.98", checks }
    }

    fn priority(&self) -> Gate {
        let high_alone = |row: &&Row| row.cell.crowd.classes == [1.0, 0.0, 0.0];
        let crowded = |row: &&Row| row.cell.id == "S10" && row.cell.crowd.classes[0] > 0.0 && !high_alone(row);
        let alone = self.ours().find(high_alone).map_or(0.0, |row| row.high_delay.median);
        let checks = self
            .ours()
            .filter(crowded)
            .map(|row| {
                let service = row.cell.service;
                let means = Means::of(row.cell.shape, service.burst(), service.hold_weight(), service.burndown);
                let request = means.charge / (service.tpm as f64 / 60.0);
                Check {
                    what: format!("{}: p99 of the high class, s", place(&row.cell)),
                    figure: row.high_delay.median,
                    limit: Limit::AtMost((2.0 * alone).max(2.0 * request)),
                    beside: format!("(alone {alone:.3}, a request {request:.3})"),
                }
            })
            .collect();
        Gate { sentence: "high priority under 3x overload: p99 <= max(2x alone, two mean-request times)", checks }
    }

    fn configured(&self) -> Gate {
        let mut checks = Vec::new();
        for row in self.ours().filter(|row| row.cell.configured) {
            let Some(pacer) = self.rival(&row.cell, Contestant::Pacer) else { continue };
            checks.push(Check {
                what: format!("{}: goodput", place(&row.cell)),
                figure: row.goodput.median,
                limit: Limit::AtLeast(pacer.goodput.median),
                beside: "(the 85 % pacer's)".into(),
            });
            checks.push(Check {
                what: format!("{}: 429 share", place(&row.cell)),
                figure: row.throttles.median,
                limit: Limit::AtMost(pacer.throttles.median + 0.002),
                beside: "(the 85 % pacer's + 0.2 points)".into(),
            });
        }
        Gate { sentence: "quota configured: goodput >= and 429 share <= + 0.2 points of the 85 % pacer's", checks }
    }
}

fn goodput(row: &Row, limit: f64) -> Check {
    Check {
        what: format!("{}: goodput", place(&row.cell)),
        figure: row.goodput.median,
        limit: Limit::AtLeast(limit),
        beside: String::new(),
    }
}
