//! Where the dashboard's panels stand at each size.

use ratatui::layout::Rect;

use crate::console::app::{Breakpoint, Panel, header_rows};

/// Blank columns between panels beside each other.
const GUTTER: u16 = 3;

/// The parts of every screen.
pub(super) struct Areas {
    /// Where we are and how it goes; the screens.
    pub header: Rect,
    /// Everything between, with a blank column at either side.
    pub body: Rect,
    /// One row: hints, what is typed, what is said.
    pub footer: Rect,
}

/// Cuts the whole screen.
pub(super) fn areas(screen: Rect) -> Areas {
    // On a tall screen a blank row keeps the tabs apart from what they lead to.
    let header = Rect { height: header_rows(screen.height).min(screen.height), ..screen };
    let footer = Rect { y: screen.bottom().saturating_sub(1), height: 1.min(screen.height), ..screen };
    let body = Rect {
        x: screen.x + 1.min(screen.width),
        y: header.bottom(),
        width: screen.width.saturating_sub(2),
        height: screen.height.saturating_sub(header.height + 1),
    };
    Areas { header, body, footer }
}

/// Cuts columns of the given parts (out of their sum) with gutters between them.
pub(super) fn columns<const N: usize>(area: Rect, parts: [u16; N]) -> [Rect; N] {
    let gutters = GUTTER * (N as u16 - 1);
    let width = area.width.saturating_sub(gutters);
    let sum: u16 = parts.iter().sum();
    let mut x = area.x;
    let mut left = width;
    std::array::from_fn(|at| {
        let last = at + 1 == N;
        let share = if last { left } else { (u32::from(width) * u32::from(parts[at]) / u32::from(sum)) as u16 };
        let column = Rect { x, width: share, ..area };
        x = x.saturating_add(share + GUTTER);
        left = left.saturating_sub(share);
        column
    })
}

/// Cuts rows of the given heights from the top; a height of 0 takes what the others leave, what does not fit is cut.
pub(super) fn rows<const N: usize>(area: Rect, heights: [u16; N]) -> [Rect; N] {
    let fixed: u16 = heights.iter().sum();
    let rest = area.height.saturating_sub(fixed);
    let mut y = area.y;
    std::array::from_fn(|at| {
        let wanted = if heights[at] == 0 { rest } else { heights[at] };
        let height = wanted.min(area.bottom().saturating_sub(y));
        let row = Rect { y, height, ..area };
        y += height;
        row
    })
}

/// Cuts a main part and rows of the given heights below it, which may be 0. The lowest give way first where they do not
/// fit.
pub(super) fn stack<const N: usize>(area: Rect, below: [u16; N]) -> (Rect, [Rect; N]) {
    let mut left = area.height;
    let heights = below.map(|height| {
        let height = height.min(left);
        left -= height;
        height
    });
    let mut y = area.y + left;
    let parts = heights.map(|height| {
        let part = Rect { y, height, ..area };
        y += height;
        part
    });
    (Rect { height: left, ..area }, parts)
}

/// How many rows the panels have something for, without their headings.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amounts {
    /// Scopes.
    pub scopes: u16,
    /// Progress and spend.
    pub top: u16,
    /// Regions and their last errors.
    pub regions: u16,
    /// Causes of failures.
    pub causes: u16,
    /// Latency distributions.
    pub latencies: u16,
    /// The verdict and its advice, wrapped.
    pub verdict: u16,
}

/// Rows of Flow with its heading: two of rates, then queue, errors and why the head waits.
const FLOW: u16 = 7;
/// Rows of a chart with its title that says anything.
const CHART: u16 = 6;

/// Parts of the width of progress, spend and verdict on the largest screens.
pub(super) const TOP: [u16; 3] = [5, 4, 6];

/// The panels of the dashboard and their places.
pub(super) fn dashboard(at: Breakpoint, body: Rect, amounts: &Amounts) -> Vec<(Panel, Rect)> {
    match at {
        Breakpoint::Tiny => Vec::new(),
        Breakpoint::Small => {
            let [top, quota, verdict] = rows(body, [4, 0, 1 + amounts.verdict.clamp(2, 3)]);
            let [run, money] = columns(top, [1, 1]);
            vec![(Panel::Run, run), (Panel::Money, money), (Panel::Quota, quota), (Panel::Verdict, verdict)]
        }
        Breakpoint::Standard => {
            let top_rows = 1 + amounts.top.clamp(2, 4);
            let verdict_rows = 1 + amounts.verdict.clamp(2, 4);
            let most = body.height.saturating_sub(top_rows + FLOW + verdict_rows).max(2);
            let quota_rows = 2 + (amounts.scopes * 2).clamp(2, most);
            let [top, quota, flow, verdict] = rows(body, [top_rows, quota_rows, 0, verdict_rows]);
            let [run, money] = columns(top, [1, 1]);
            vec![
                (Panel::Run, run),
                (Panel::Money, money),
                (Panel::Quota, quota),
                (Panel::Flow, flow),
                (Panel::Verdict, verdict),
            ]
        }
        Breakpoint::Large => {
            let top_rows = 1 + amounts.top.clamp(2, 4);
            let quota_rows = 2 + (amounts.scopes * 2).clamp(2, 8);
            let verdict_rows = 1 + amounts.verdict.clamp(2, 4);
            // Two columns, each with rows as it needs them.
            let latency_rows = 2 + amounts.latencies.clamp(4, 6);
            let left = FLOW + 2 + amounts.regions.clamp(2, 8);
            let right = 2 + amounts.causes.clamp(3, 5) + latency_rows;
            let most = body.height.saturating_sub(top_rows + quota_rows + verdict_rows + CHART);
            let middle_rows = left.max(right).min(most.max(FLOW + 4));
            let [top, quota, chart, middle, verdict] = rows(body, [top_rows, quota_rows, 0, middle_rows, verdict_rows]);
            let [run, money] = columns(top, [4, 3]);
            let [left, right] = columns(middle, [4, 3]);
            let [flow, regions] = rows(left, [FLOW, 0]);
            let (throttles, [latency]) = stack(right, [latency_rows.min(right.height.saturating_sub(4))]);
            vec![
                (Panel::Run, run),
                (Panel::Money, money),
                (Panel::Quota, quota),
                (Panel::Chart, chart),
                (Panel::Flow, flow),
                (Panel::Throttles, throttles),
                (Panel::Regions, regions),
                (Panel::Latency, latency),
                (Panel::Verdict, verdict),
            ]
        }
        Breakpoint::Huge => huge(body, amounts),
    }
}

/// What is used against what is allowed at the left, how it goes over time at the right, what happened at the bottom.
fn huge(body: Rect, amounts: &Amounts) -> Vec<(Panel, Rect)> {
    let top_rows = 1 + amounts.top.max(amounts.verdict).clamp(2, 5);
    let log_rows = (body.height / 8).clamp(4, 10);
    let [top, middle, log] = rows(body, [top_rows, 0, log_rows]);
    let [run, money, verdict] = columns(top, TOP);
    let [left, right] = columns(middle, [13, 8]);
    let quota_rows = 2 + (amounts.scopes * 2).clamp(2, (left.height / 3).max(4));
    let region_rows = 2 + amounts.regions.clamp(2, 8);
    let [quota, chart, regions] = rows(left, [quota_rows, 0, region_rows]);
    // What the tables leave becomes charts, as many as it is enough for.
    let latency_rows = 2 + amounts.latencies.clamp(4, 6);
    let throttle_rows = 2 + amounts.causes.clamp(3, 5);
    let spare = right.height.saturating_sub(FLOW + latency_rows + throttle_rows);
    let charts = (spare / CHART).min(3);
    let each = spare.checked_div(charts).unwrap_or(0);
    let with = |rows: u16, charted: bool, most: u16| if charted { rows + each.min(most) } else { rows };
    // Causes need a row each and no more; what is too little for a chart goes to the latencies.
    let heights = [with(FLOW, charts > 0, each), with(throttle_rows, charts > 2, CHART), 0];
    let [flow, throttles, latency] = rows(right, heights);
    vec![
        (Panel::Run, run),
        (Panel::Money, money),
        (Panel::Verdict, verdict),
        (Panel::Quota, quota),
        (Panel::Flow, flow),
        (Panel::Chart, chart),
        (Panel::Throttles, throttles),
        (Panel::Regions, regions),
        (Panel::Latency, latency),
        (Panel::Journal, log),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_never_overlap_and_stay_inside() {
        for (width, height) in
            [(60, 15), (79, 22), (80, 24), (100, 30), (120, 40), (159, 49), (160, 36), (200, 60), (300, 100)]
        {
            for (scopes, regions) in [(0, 0), (1, 1), (2, 2), (9, 5), (60, 20)] {
                let amounts = Amounts { scopes, top: scopes, regions, causes: regions, latencies: 6, verdict: 3 };
                let screen = Rect { x: 0, y: 0, width, height };
                let body = areas(screen).body;
                let at = Breakpoint::of(width, height);
                let placed = dashboard(at, body, &amounts);
                let mut shown: Vec<Panel> = placed.iter().map(|(panel, _)| *panel).collect();
                for (index, (panel, area)) in placed.iter().enumerate() {
                    assert_eq!(area.intersection(body), *area, "{panel:?} at {width}x{height}");
                    for (other, beside) in &placed[index + 1..] {
                        assert!(area.intersection(*beside).is_empty(), "{panel:?} and {other:?} at {width}x{height}");
                    }
                }
                shown.sort();
                let mut expected = Panel::shown(at).to_vec();
                expected.sort();
                assert_eq!(shown, expected, "{width}x{height}");
            }
        }
    }

    #[test]
    fn the_most_important_panels_have_room_wherever_anything_is_drawn() {
        let amounts = Amounts { scopes: 4, top: 4, regions: 4, causes: 4, latencies: 6, verdict: 4 };
        for (width, height) in [(60, 15), (80, 24), (120, 40), (160, 40), (200, 60)] {
            let body = areas(Rect { x: 0, y: 0, width, height }).body;
            for (panel, area) in dashboard(Breakpoint::of(width, height), body, &amounts) {
                assert!(area.height >= 3 && area.width >= 26, "{panel:?} has {area} at {width}x{height}");
            }
        }
    }
}
