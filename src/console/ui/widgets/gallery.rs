//! All widgets on one screen: what they look like is looked at, not only asserted.

use std::ops::Range;
use std::sync::atomic::Ordering;

use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use tui_input::Input;

use super::text::fill;
use super::*;
use crate::console::term::writer::FrameWriter;
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::console::ui::dump::styled_dump;
use crate::console::ui::svg::svg;
use crate::console::ui::theme::DEFAULT;

fn wave(seconds: Range<usize>, base: f64, swing: f64, period: f64) -> Vec<f32> {
    seconds
        .map(|i| {
            let t = i as f64;
            let slow = (t / period * std::f64::consts::TAU).sin();
            let fast = (t / 7.3).sin() * 0.25 + (t / 3.1).sin() * 0.1;
            (base + swing * (slow + fast)).max(0.0) as f32
        })
        .collect()
}

/// A screen like the dashboard, from made-up numbers.
fn gallery(kit: Kit<'_>, area: Rect, second: usize) -> Buffer {
    let mut buf = Buffer::empty(area);
    fill(&mut buf, area, kit.theme.ground());
    let row = |y: u16, height: u16| Rect { y, height, ..area }.intersection(area);

    let header = Line::of(Role::BadgeSim, " SIM ")
        .text(" demo-account ")
        .muted(format!("us-east-1 us-west-2  {} ", kit.glyphs.separator))
        .with(Role::Ok, kit.glyphs.dot)
        .text(" RUNNING ");
    header.render(row(0, 1), &mut buf, kit);
    Line::of(Role::Muted, format!("04:17:{:02} UTC", second % 60)).render_right(row(0, 1), &mut buf, kit);

    let left = Rect { width: area.width / 2, ..row(1, 9) };
    let right = Rect { x: left.right(), width: area.width - left.width, ..left };
    let inner = Panel::new("Quota")
        .summary(Line::of(Role::Warn, "TPM 92.1%").muted(" of us-east-1"))
        .focused(true)
        .render(left, &mut buf, kit);
    let gauges = [
        Gauge {
            label: "TPM",
            settled: 72_100.0 + 130.0 * second as f64,
            held: 20_000.0 - 400.0 * second as f64,
            target: Some(95_000.0),
            quota: Some(100_000.0),
            ..Gauge::default()
        },
        Gauge { label: "RPM", settled: 31.0, held: 0.0, target: Some(54.0), quota: Some(60.0), ..Gauge::default() },
        Gauge {
            label: "TPD",
            settled: 12.4e6,
            held: 0.0,
            target: None,
            quota: None,
            no_quota: "unknown",
            ..Gauge::default()
        },
    ];
    for (i, gauge) in gauges.iter().enumerate() {
        let at = Rect { y: inner.y + 2 * i as u16, height: 2, ..inner }.intersection(inner);
        Gauge { label_width: 4, ..*gauge }.render(at, &mut buf, kit);
    }
    let inner = Panel::new("Regions").summary(Line::of(Role::Muted, "2 of 3 healthy")).render(right, &mut buf, kit);
    let columns = [
        Column::new("Region", Width::Flex(10)),
        Column::new("Health", Width::Fixed(9)),
        Column::new("req/s", Width::Fixed(6)).align(Align::Right).drop(2),
        Column::new("p50", Width::Fixed(6)).align(Align::Right).drop(1),
        Column::new("Trend", Width::Fixed(10)).drop(3),
    ];
    let regions = ["us-east-1", "us-west-2", "eu-central-1", "ap-northeast-1", "ap-southeast-2", "ca-central-1"];
    let table = Table {
        columns: &columns,
        len: regions.len() * 3,
        row: &|i| {
            let (role, health) = match i % 3 {
                0 => (Role::Ok, format!("{} ok", kit.glyphs.ok)),
                1 => (Role::Warn, format!("{} slow", kit.glyphs.warn)),
                _ => (Role::Danger, format!("{} open", kit.glyphs.danger)),
            };
            let spark: String =
                (0..10).map(|x| kit.glyphs.column(f64::from((x * 7 + i as i32 * 3) % 11) / 11.0)).collect();
            vec![
                Cell::text(regions[i % regions.len()]),
                Cell::new(role, health),
                Cell::text(format!("{:.1}", 4.2 + i as f64)),
                Cell::text("812ms"),
                Cell::new(Role::SeriesA, spark),
            ]
        },
        selected: Some(1),
        top: 0,
        sorted: Some((2, true)),
        focused: true,
        empty: "no Regions",
    };
    table.render(inner, &mut buf, kit);

    let settled: Vec<f32> = wave(second..second + 600, 70_000.0, 16_000.0, 300.0);
    let mut held: Vec<f32> = wave(second..second + 600, 14_000.0, 6_000.0, 90.0);
    held[430 - second..470 - second].fill(f32::NAN);
    let chart_area = row(10, area.height.saturating_sub(21).max(9));
    let inner =
        Panel::new("Tokens per minute").summary(Line::of(Role::Muted, "5 min")).render(chart_area, &mut buf, kit);
    let series = [
        Series { name: "settled", values: &settled, role: Role::Settled, shape: Shape::Line, bin: Bin::Mean },
        Series { name: "held", values: &held, role: Role::Held, shape: Shape::Line, bin: Bin::Mean },
    ];
    let chart = Chart {
        series: &series,
        levels: &[
            Level { name: "quota", value: 100_000.0, role: Role::Quota },
            Level { name: "target", value: 90_000.0, role: Role::Target },
        ],
        marks: &[VerticalMark { second: 470.0, label: "share 80 % to 90 %" }],
        axis: Axis::live(second as u64 + 599, 300),
        unit: "quota tokens / min",
        legend: true,
    };
    chart.render(inner, &mut buf, kit);

    let bottom = row(area.height.saturating_sub(11), 10);
    let left = Rect { width: area.width / 2, ..bottom };
    let right = Rect { x: left.right(), width: area.width - left.width, ..bottom };
    let inner = Panel::new("Throttles")
        .summary(Line::of(Role::Throttle, "3 TPM").muted(" in 60 s"))
        .render(left, &mut buf, kit);
    let throttles: Vec<f32> =
        (second..second + 600).map(|i| if i % 71 < 3 || i % 130 == 5 { (i % 5) as f32 } else { 0.0 }).collect();
    let load = wave(second..second + 600, 40.0, 20.0, 200.0);
    Chart {
        series: &[
            Series { name: "429", values: &throttles, role: Role::Throttle, shape: Shape::Columns, bin: Bin::Max },
            Series { name: "done", values: &load, role: Role::Ok, shape: Shape::Area, bin: Bin::Mean },
        ],
        levels: &[],
        marks: &[],
        axis: Axis::live(second as u64 + 599, 120),
        unit: "per s",
        legend: true,
    }
    .render(inner, &mut buf, kit);

    let inner = Panel::new("Load").render(right, &mut buf, kit);
    let rate: Input = "12.5".into();
    let cap: Input = "".into();
    let fields = [
        Field { unit: "per s", hint: "arrivals, 0.1 to 500", ..Field::new("rate", FieldValue::Input(&rate)) },
        Field::new("arrival", FieldValue::Choice("poisson")),
        Field { unit: "USD", error: Some("a cap is needed on aws"), ..Field::new("cap", FieldValue::Input(&cap)) },
        Field::new("stream", FieldValue::Switch(true)),
        Field::new("routes", FieldValue::Fixed("us.anthropic.claude-sonnet-4")),
    ];
    Form { fields: &fields, focus: Some(0), value_width: 14 }.render(inner, &mut buf, kit);

    let hints = [("q", "quit"), ("?", "help"), ("L", "load"), ("space", "pause"), ("t", "tune"), ("u", "undo")];
    let hints: Vec<Hint<'_>> =
        hints.iter().map(|(key, label)| Hint { key, label, enabled: *key != "u", hit: None }).collect();
    Hints { hints: &hints }.render(row(area.height.saturating_sub(1), 1), &mut buf, kit);
    buf
}

fn dialog(kit: Kit<'_>, buf: &mut Buffer) {
    let name: Input = "prod-su".into();
    let fields = [Field { hint: "type prod-summaries to go on", ..Field::new("name", FieldValue::Input(&name)) }];
    let mut dialog = Dialog::confirm(
        "Delete provisioned throughput",
        Role::Danger,
        vec![
            Line::of(Role::Muted, "account  ").text("123456789012 ").muted("(production)"),
            Line::of(Role::Muted, "price    ").with(Role::Strong, "$39.60 per hour").muted(", paid until 2026-12-01"),
            Line::new(),
            Line::of(Role::Text, "Requests that use its ARN will fail from this moment on. This cannot be undone."),
        ],
        "Delete",
    );
    dialog.form = Some(Form { fields: &fields, focus: Some(0), value_width: 24 });
    dialog.buttons[1].enabled = false;
    dialog.render(buf.area, buf, kit);
}

const LEVELS: [(ColourDepth, GlyphLevel); 4] = [
    (ColourDepth::TrueColour, GlyphLevel::Braille),
    (ColourDepth::Ansi256, GlyphLevel::Braille),
    (ColourDepth::Ansi16, GlyphLevel::Block),
    (ColourDepth::Mono, GlyphLevel::Ascii),
];

/// Writes the pictures into the folder named by `BEDROCK_TOP_GALLERY`.
#[test]
fn the_gallery_is_drawn_at_every_level() {
    let folder = std::env::var_os("BEDROCK_TOP_GALLERY").map(std::path::PathBuf::from);
    for name in Theme::names() {
        for (depth, level) in LEVELS {
            let theme = Theme::embedded(name, depth).unwrap().unwrap();
            let kit = Kit::new(&theme, Glyphs::of(level));
            for (width, height) in [(120, 40), (80, 24)] {
                let mut buf = gallery(kit, Rect::new(0, 0, width, height), 9);
                let picture = svg(&buf, &theme, "bedrock-top");
                assert!(picture.starts_with("<svg ") && picture.ends_with("</svg>\n"));
                assert!(level != GlyphLevel::Ascii || styled_dump(&buf).is_ascii());
                if let Some(folder) = &folder {
                    std::fs::write(folder.join(format!("{name}-{depth:?}-{width}.svg")), picture).unwrap();
                    dialog(kit, &mut buf);
                    let picture = svg(&buf, &theme, "bedrock-top");
                    std::fs::write(folder.join(format!("{name}-{depth:?}-{width}-dialog.svg")), picture).unwrap();
                }
            }
        }
    }
    assert!(Theme::names().any(|name| name == DEFAULT));
}

/// A second of a busy dashboard: what a slow ssh link has to carry (PRODUCT figures: at most 10 KiB/s under load).
#[test]
fn a_second_of_a_busy_screen_is_few_bytes() {
    let theme = Theme::embedded(DEFAULT, ColourDepth::TrueColour).unwrap().unwrap();
    let kit = Kit::new(&theme, Glyphs::of(GlyphLevel::Braille));
    let size = Size::new(120, 40);
    let mut terminal = Terminal::new(FrameWriter::new(std::io::sink(), size, true)).unwrap();
    let stats = terminal.backend().stats();
    let mut frame_bytes = Vec::new();
    for second in 0..30 {
        let before = stats.bytes.load(Ordering::Relaxed);
        terminal
            .draw(|frame| *frame.buffer_mut() = gallery(kit, Rect::new(0, 0, size.width, size.height), second))
            .unwrap();
        frame_bytes.push(stats.bytes.load(Ordering::Relaxed) - before);
    }
    let first = frame_bytes.remove(0);
    frame_bytes.sort_unstable();
    assert!(first <= 24 * 1024, "a full repaint is {first} bytes");
    let (median, most) = (frame_bytes[frame_bytes.len() / 2], frame_bytes[frame_bytes.len() - 1]);
    assert!(median <= 1536 && most <= 4096, "median {median}, most {most} bytes");
    assert_eq!(stats.writes.load(Ordering::Relaxed), stats.frames.load(Ordering::Relaxed));
}
