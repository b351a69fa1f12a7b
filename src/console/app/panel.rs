//! The dashboard's panels and which of them are shown at which size.

use serde::{Deserialize, Serialize};

/// A panel of the dashboard, in order of importance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Panel {
    /// Progress.
    Run,
    /// Spend.
    Money,
    /// Each scope against its quota.
    Quota,
    /// The bottleneck in words.
    Verdict,
    /// Rates, errors, queue.
    Flow,
    /// Tokens per minute over time.
    Chart,
    /// Throttles by cause.
    Throttles,
    /// Each Region's health.
    Regions,
    /// Latency distributions.
    Latency,
    /// The last lines of the journal.
    Journal,
}

/// The sizes for which the screens are laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Breakpoint {
    /// Below 60x15: nothing but what is needed.
    Tiny,
    /// From 60x15.
    Small,
    /// From 80x24.
    Standard,
    /// From 120x36.
    Large,
    /// From 160x36: columns beside each other, each panel with its chart.
    Huge,
}

impl Breakpoint {
    /// Narrowest and lowest terminal on which a screen can be drawn.
    pub const LEAST: (u16, u16) = (60, 15);

    /// The layout for a terminal of this size.
    #[must_use]
    pub const fn of(width: u16, height: u16) -> Breakpoint {
        if width < Breakpoint::LEAST.0 || height < Breakpoint::LEAST.1 {
            Breakpoint::Tiny
        } else if width < 80 || height < 23 {
            Breakpoint::Small
        } else if width < 116 || height < 36 {
            Breakpoint::Standard
        } else if width < 160 {
            Breakpoint::Large
        } else {
            Breakpoint::Huge
        }
    }
}

/// Rows above the body of a screen of `height` rows: two, and a blank one where there is room.
#[must_use]
pub const fn header_rows(height: u16) -> u16 {
    if height >= 36 { 3 } else { 2 }
}

impl Panel {
    /// All panels, most important first.
    pub const ALL: [Panel; 10] = [
        Panel::Run,
        Panel::Money,
        Panel::Quota,
        Panel::Verdict,
        Panel::Flow,
        Panel::Chart,
        Panel::Throttles,
        Panel::Regions,
        Panel::Latency,
        Panel::Journal,
    ];

    /// The panels shown together at a size, in reading order.
    #[must_use]
    pub const fn shown(at: Breakpoint) -> &'static [Panel] {
        match at {
            Breakpoint::Tiny => &[],
            Breakpoint::Small => &[Panel::Run, Panel::Money, Panel::Quota, Panel::Verdict],
            Breakpoint::Standard => &[Panel::Run, Panel::Money, Panel::Quota, Panel::Flow, Panel::Verdict],
            Breakpoint::Large => &[
                Panel::Run,
                Panel::Money,
                Panel::Quota,
                Panel::Chart,
                Panel::Flow,
                Panel::Throttles,
                Panel::Regions,
                Panel::Latency,
                Panel::Verdict,
            ],
            Breakpoint::Huge => &[
                Panel::Run,
                Panel::Money,
                Panel::Verdict,
                Panel::Quota,
                Panel::Flow,
                Panel::Chart,
                Panel::Throttles,
                Panel::Regions,
                Panel::Latency,
                Panel::Journal,
            ],
        }
    }

    /// Whether it has a chart over time when it is alone on the screen.
    #[must_use]
    pub const fn charts(self) -> bool {
        match self {
            Panel::Journal => false,
            Panel::Run
            | Panel::Money
            | Panel::Quota
            | Panel::Verdict
            | Panel::Flow
            | Panel::Chart
            | Panel::Throttles
            | Panel::Regions
            | Panel::Latency => true,
        }
    }

    /// Its heading.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Panel::Run => "Run",
            Panel::Money => "Money",
            Panel::Quota => "Quota",
            Panel::Verdict => "Verdict",
            Panel::Flow => "Flow",
            Panel::Chart => "Tokens per minute",
            Panel::Throttles => "Throttles",
            Panel::Regions => "Regions",
            Panel::Latency => "Latency",
            Panel::Journal => "Log",
        }
    }
}
