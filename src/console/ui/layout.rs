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

/// How much there is to show, which decides heights.
pub(super) struct Amounts {
    /// Scopes.
    pub scopes: u16,
    /// Regions.
    pub regions: u16,
    /// Rows of the verdict and its advice, wrapped.
    pub verdict: u16,
}

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
            let verdict_rows = 1 + amounts.verdict.clamp(2, 4);
            let quota_rows = 2 + (amounts.scopes * 2).clamp(2, body.height.saturating_sub(12 + verdict_rows).max(2));
            let [top, quota, flow, verdict] = rows(body, [5, quota_rows, 0, verdict_rows]);
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
            let quota_rows = 2 + (amounts.scopes * 2).clamp(2, 8);
            let table_rows = 2 + amounts.regions.clamp(4, 8);
            let verdict_rows = 1 + amounts.verdict.clamp(2, 4);
            let [top, quota, chart, middle, tables, verdict] =
                rows(body, [5, quota_rows, 0, 7, table_rows, verdict_rows]);
            let [run, money] = columns(top, [4, 3]);
            let [flow, throttles] = columns(middle, [4, 3]);
            let [regions, latency] = columns(tables, [4, 3]);
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
        Breakpoint::Huge => {
            let quota_rows = 2 + (amounts.scopes * 2).clamp(2, 12);
            let table_rows = 2 + amounts.regions.clamp(6, 10);
            let verdict_rows = 1 + amounts.verdict.clamp(2, 4);
            let [top, quota, chart, middle, tables, verdict] =
                rows(body, [5, quota_rows, 0, 8, table_rows, verdict_rows]);
            let [run, money] = columns(top, [4, 3]);
            let [flow, throttles, latency] = columns(middle, [4, 3, 3]);
            let [regions, journal] = columns(tables, [4, 3]);
            vec![
                (Panel::Run, run),
                (Panel::Money, money),
                (Panel::Quota, quota),
                (Panel::Chart, chart),
                (Panel::Flow, flow),
                (Panel::Throttles, throttles),
                (Panel::Latency, latency),
                (Panel::Regions, regions),
                (Panel::Journal, journal),
                (Panel::Verdict, verdict),
            ]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_never_overlap_and_stay_inside() {
        for (width, height) in [(60, 15), (79, 22), (80, 24), (100, 30), (120, 40), (179, 49), (200, 60), (300, 100)] {
            for (scopes, regions) in [(0, 0), (1, 1), (2, 2), (9, 5), (60, 20)] {
                let screen = Rect { x: 0, y: 0, width, height };
                let body = areas(screen).body;
                let at = Breakpoint::of(width, height);
                let placed = dashboard(at, body, &Amounts { scopes, regions, verdict: 3 });
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
        for (width, height) in [(60, 15), (80, 24), (120, 40), (200, 60)] {
            let body = areas(Rect { x: 0, y: 0, width, height }).body;
            for (panel, area) in
                dashboard(Breakpoint::of(width, height), body, &Amounts { scopes: 4, regions: 4, verdict: 4 })
            {
                assert!(area.height >= 3 && area.width >= 26, "{panel:?} has {area} at {width}x{height}");
            }
        }
    }
}
