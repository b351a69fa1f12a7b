use proptest::prelude::*;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use tui_input::Input;

use super::*;
use crate::console::term::{ColourDepth, GlyphLevel};
use crate::console::ui::dump::text_dump;

fn theme() -> Theme {
    Theme::embedded("mono", ColourDepth::Mono).unwrap().unwrap()
}

/// The rows that `draw` makes in `width` by `height` cells.
fn drawn(width: u16, height: u16, draw: impl FnOnce(Rect, &mut Buffer, Kit<'_>)) -> Vec<String> {
    drawn_at(GlyphLevel::Ascii, width, height, draw)
}

fn drawn_at(level: GlyphLevel, width: u16, height: u16, draw: impl FnOnce(Rect, &mut Buffer, Kit<'_>)) -> Vec<String> {
    let theme = theme();
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw(buf.area, &mut buf, Kit::new(&theme, Glyphs::of(level)));
    text_dump(&buf).lines().map(str::to_owned).collect()
}

fn style_at(width: u16, height: u16, x: u16, y: u16, draw: impl FnOnce(Rect, &mut Buffer, Kit<'_>)) -> Style {
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
    draw(buf.area, &mut buf, Kit::new(&theme, Glyphs::of(GlyphLevel::Braille)));
    buf[(x, y)].style()
}

fn role_colour(role: Role) -> Option<ratatui::style::Color> {
    Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap().style(role).fg
}

const QUOTA: Gauge<'_> = Gauge {
    label: "TPM",
    label_width: 4,
    settled: 40_000.0,
    held: 20_000.0,
    target: Some(80_000.0),
    quota: Some(100_000.0),
    no_quota: "",
};

#[test]
fn a_gauge_shows_four_amounts_in_one_row() {
    let rows = drawn(47, 1, |area, buf, kit| QUOTA.render(area, buf, kit));
    // Bar of 20 cells: 8 settled, 4 held, target at cell 16, quota at the end.
    assert_eq!(rows[0], "TPM  ########====....|..] 60.0k of  100k  60.0%");
    let rows = drawn(60, 2, |area, buf, kit| QUOTA.render(area, buf, kit));
    assert_eq!(rows[1], "     # settled 40.0k   = held 20.0k   | target 80.0k");
}

#[test]
fn a_gauge_over_its_quota_says_so() {
    let over = Gauge { settled: 120_000.0, held: 0.0, target: None, ..QUOTA };
    let rows = drawn(47, 1, |area, buf, kit| over.render(area, buf, kit));
    assert_eq!(rows[0], "TPM  ################]###  120k of  100kx  120%");
    let danger = style_at(47, 1, 24, 0, |area, buf, kit| over.render(area, buf, kit));
    assert_eq!(danger.fg, role_colour(Role::Danger));
}

#[test]
fn a_gauge_without_quota_measures_nothing() {
    let unknown = Gauge { target: None, quota: None, no_quota: "no quota", held: 0.0, ..QUOTA };
    let rows = drawn(47, 1, |area, buf, kit| unknown.render(area, buf, kit));
    assert!(rows[0].ends_with("40.0k        no quota") && !rows[0].contains('#'), "{rows:?}");
}

#[test]
fn a_gauge_shows_the_smallest_use_and_no_use_differently() {
    let tiny = Gauge { settled: 1.0, held: 0.0, ..QUOTA };
    let none = Gauge { settled: 0.0, held: 0.0, ..QUOTA };
    let held = Gauge { settled: 0.0, held: 1.0, ..QUOTA };
    let bar = |gauge: Gauge<'_>| drawn(47, 1, |area, buf, kit| gauge.render(area, buf, kit))[0][5..25].to_owned();
    assert!(bar(tiny).starts_with("#.."));
    assert!(bar(none).starts_with("..."));
    assert!(bar(held).starts_with("=.."));
}

fn region_table<'a>(selected: Option<usize>, len: usize, row: &'a dyn Fn(usize) -> Vec<Cell<'a>>) -> Table<'a> {
    const COLUMNS: [Column<'static>; 4] = [
        Column::new("Region", Width::Flex(9)),
        Column::new("req/s", Width::Fixed(6)).align(Align::Right),
        Column::new("p50", Width::Fixed(6)).align(Align::Right).drop(1),
        Column::new("id", Width::Fixed(8)).align(Align::Middle).drop(2),
    ];
    Table { columns: &COLUMNS, len, row, selected, top: 0, sorted: Some((1, true)), focused: true, empty: "no Regions" }
}

fn region_row(index: usize) -> Vec<Cell<'static>> {
    vec![
        Cell::text(format!("region-{index}")),
        Cell::text(format!("{index}.5")),
        Cell::text("812ms"),
        Cell::text("abcdefghijkl"),
    ]
}

#[test]
fn columns_give_way_by_their_number() {
    let at = |width| {
        drawn(width, 2, |area, buf, kit| {
            region_table(None, 1, &region_row).render(area, buf, kit);
        })
    };
    assert_eq!(at(40), ["Region          req/s-     p50  id", "region-0           0.5   812ms  abcd~jkl"]);
    assert_eq!(at(30), ["Region          req/s-     p50", "region-0           0.5   812ms"]);
    assert_eq!(at(20), ["Region        req/s-", "region-0         0.5"]);
    // What may not be dropped is cut.
    assert_eq!(at(8).len(), 2);
}

#[test]
fn the_selected_row_stays_in_sight() {
    assert_eq!(Table::first_row(0, Some(3), 20, 5), 0);
    assert_eq!(Table::first_row(0, Some(7), 20, 5), 3);
    assert_eq!(Table::first_row(9, Some(7), 20, 5), 7);
    assert_eq!(Table::first_row(18, None, 20, 5), 15);
    assert_eq!(Table::first_row(0, Some(0), 0, 5), 0);
    assert_eq!(Table::first_row(0, Some(3), 20, 0), 4);
    let rows = drawn(40, 4, |area, buf, kit| {
        region_table(Some(9), 12, &region_row).render(area, buf, kit);
    });
    assert!(rows[3].starts_with("region-9"), "{rows:?}");
}

#[test]
fn only_rows_in_sight_are_asked_for_and_none_means_words() {
    let asked = std::cell::Cell::new(0);
    let row = |index: usize| {
        asked.set(asked.get() + 1);
        region_row(index)
    };
    drawn(40, 6, |area, buf, kit| {
        region_table(None, 1_000_000, &row).render(area, buf, kit);
    });
    assert_eq!(asked.get(), 5);
    let rows = drawn(40, 3, |area, buf, kit| {
        region_table(None, 0, &region_row).render(area, buf, kit);
    });
    assert_eq!(rows[1], "no Regions");
}

#[test]
fn a_selected_row_keeps_the_colours_of_its_cells() {
    let row = |_: usize| vec![Cell::new(Role::Danger, "down"), Cell::text("1"), Cell::text("2"), Cell::text("3")];
    let style = style_at(40, 3, 1, 1, |area, buf, kit| {
        region_table(Some(0), 1, &row).render(area, buf, kit);
    });
    let theme = Theme::embedded("dusk", ColourDepth::TrueColour).unwrap().unwrap();
    assert_eq!(style.fg, theme.style(Role::Danger).fg);
    assert_eq!(style.bg, theme.style(Role::Selection).bg);
}

#[test]
fn a_panel_leaves_room_inside_and_its_summary_gives_way() {
    let panel = Panel::new("Quota").summary(Line::of(Role::Muted, "92.1% of TPM"));
    let rows = drawn(34, 3, |area, buf, kit| {
        assert_eq!(panel.render(area, buf, kit), Rect::new(2, 1, 30, 1));
    });
    assert_eq!(
        rows,
        [
            "+- Quota --------- 92.1% of TPM -+",
            "|                                |",
            "+--------------------------------+"
        ]
    );
    let rows = drawn(14, 2, |area, buf, kit| {
        panel.clone().ruled().render(area, buf, kit);
    });
    assert_eq!(rows[0], "Quota --------");
}

#[test]
fn hints_are_whole_or_not_there() {
    let hints =
        [("q", "quit"), ("?", "help"), ("L", "load")].map(|(key, label)| Hint { key, label, enabled: true, hit: None });
    let at = |width| drawn(width, 1, |area, buf, kit| Hints { hints: &hints }.render(area, buf, kit))[0].clone();
    assert_eq!(at(40), "q quit  ? help  L load");
    assert_eq!(at(22), "q quit  ? help  L load");
    assert_eq!(at(21), "q quit  ? help  ~");
    assert_eq!(at(10), "q quit  ~");
}

#[test]
fn a_line_is_cut_where_it_ends() {
    let line = Line::of(Role::Text, "settled").muted(" tokens");
    let at = |width| {
        drawn(width, 1, |area, buf, kit| {
            line.render(area, buf, kit);
        })[0]
            .clone()
    };
    assert_eq!(at(14), "settled tokens");
    assert_eq!(at(13), "settled toke~");
    assert_eq!(at(8), "settled~");
    assert_eq!(at(7), "settle~");
    assert_eq!(at(1), "~");
}

#[test]
fn a_form_shows_value_unit_error_and_cursor() {
    let rate: Input = "12.5".into();
    let cap: Input = "".into();
    let fields = [
        Field { unit: "per s", hint: "0.1 to 500", ..Field::new("rate", FieldValue::Input(&rate)) },
        Field { error: Some("a cap is needed"), ..Field::new("cap", FieldValue::Input(&cap)) },
        Field::new("arrival", FieldValue::Choice("poisson")),
        Field::new("stream", FieldValue::Switch(true)),
    ];
    let form = Form { fields: &fields, focus: Some(0), value_width: 12 };
    assert_eq!(form.height(), 6);
    let mut cursor = None;
    let rows = drawn(40, 6, |area, buf, kit| cursor = form.render(area, buf, kit));
    assert_eq!(
        rows,
        [
            "> rate     12.5         per s",
            "           0.1 to 500",
            "  cap                    x",
            "           a cap is needed",
            "  arrival  < poisson  >",
            "  stream   * on"
        ]
    );
    assert_eq!(cursor, Some((15, 0).into()));
}

#[test]
fn a_long_value_scrolls_to_its_cursor_and_a_low_form_to_its_focus() {
    let long: Input = "0123456789abcdefghij".into();
    let fields: Vec<Field<'_>> = (0..8).map(|_| Field::new("field", FieldValue::Input(&long))).collect();
    let form = Form { fields: &fields, focus: Some(6), value_width: 10 };
    let mut cursor = None;
    let rows = drawn(30, 3, |area, buf, kit| cursor = form.render(area, buf, kit));
    assert!(rows.iter().any(|row| row.starts_with('>')), "{rows:?}");
    // The one that is typed in ends at its cursor; the others show both their ends.
    assert!(rows.iter().any(|row| row.trim_end().ends_with("> field  bcdefghij")), "{rows:?}");
    assert!(rows.iter().all(|row| row.trim_end().ends_with("ghij")), "{rows:?}");
    let cursor = cursor.unwrap();
    assert!(cursor.x < 30 && cursor.y < 3);
}

#[test]
fn a_dialog_keeps_its_buttons_however_low_the_screen() {
    let body = vec![Line::of(Role::Text, "This cannot be undone, and it takes effect at once for everybody.")];
    let dialog = Dialog::confirm("Delete", Role::Danger, body, "Delete it");
    for height in [4, 6, 10, 24] {
        let rows = drawn(50, height, |area, buf, kit| {
            dialog.render(area, buf, kit);
        });
        assert!(rows.iter().any(|row| row.contains("> Cancel") && row.contains("Delete it")), "{height}: {rows:#?}");
    }
    let rows = drawn(50, 24, |area, buf, kit| {
        dialog.render(area, buf, kit);
    });
    assert!(rows.iter().any(|row| row.contains("everybody.")), "{rows:#?}");
}

fn flat(name: &'static str, values: &'static [f32]) -> Series<'static> {
    Series { name, values, role: Role::Settled, shape: Shape::Line, bin: Bin::Mean }
}

const ONES: &[f32] = &[1.0; 120];

#[test]
fn a_chart_has_a_scale_names_levels_and_time() {
    let chart = Chart {
        series: &[flat("settled", &[50_000.0; 60])],
        levels: &[Level { name: "quota", value: 100_000.0, role: Role::Quota }],
        marks: &[VerticalMark { second: 30.0, label: "share 90 %" }],
        axis: Axis::live(59, 60),
        unit: "tokens/min",
        legend: true,
    };
    let rows = drawn(66, 13, |area, buf, kit| chart.render(area, buf, kit));
    assert_eq!(rows[0], "* settled 50.0k                                         tokens/min");
    assert!(rows[1].starts_with(" 100k - quota 100k ---"), "{rows:#?}");
    assert!(rows[6].ends_with("************"), "{rows:#?}");
    assert!(rows[11].starts_with("    0"), "{rows:#?}");
    assert!(rows[12].contains("-30s") && rows[12].ends_with("now"), "{rows:#?}");
    assert_eq!(rows.iter().filter(|row| row.contains("share 90 %")).count(), 1, "{rows:#?}");
}

#[test]
fn a_level_that_dwarfs_the_values_is_named_at_the_top() {
    let chart = Chart {
        series: &[flat("x", ONES)],
        levels: &[Level { name: "quota", value: 1_000.0, role: Role::Quota }],
        marks: &[],
        axis: Axis::live(119, 60),
        unit: "",
        legend: false,
    };
    let rows = drawn(60, 8, |area, buf, kit| chart.render(area, buf, kit));
    assert!(rows[0].contains("^quota 1.00k"), "{rows:#?}");
}

#[test]
fn a_missing_second_is_a_gap_not_a_line() {
    let mut values = vec![5.0f32; 60];
    values[20..40].fill(f32::NAN);
    let chart = Chart {
        series: &[Series { name: "x", values: &values, role: Role::Settled, shape: Shape::Line, bin: Bin::Mean }],
        levels: &[],
        marks: &[],
        axis: Axis::live(59, 60),
        unit: "",
        legend: false,
    };
    let rows = drawn_at(GlyphLevel::Block, 66, 4, |area, buf, kit| chart.render(area, buf, kit));
    let line = rows.iter().find(|row| row.contains(['▀', '▄'])).unwrap();
    let plot: String = line.chars().skip(6).collect();
    assert_eq!(plot.chars().filter(|c| matches!(c, '▀' | '▄')).count(), 40, "{plot}");
    assert!(plot.chars().skip(20).take(20).all(|c| c == ' ' || c == '·'), "{plot}");
}

/// Draws everything with hostile numbers and texts.
fn draw_all(area: Rect, buf: &mut Buffer, kit: Kit<'_>, numbers: &[f32], text: &str) {
    let at = |i: usize| f64::from(numbers.get(i).copied().unwrap_or(f32::NAN));
    let inner = Panel::new(text).summary(Line::of(Role::Warn, text)).focused(true).render(area, buf, kit);
    Panel::new(text).summary(Line::of(Role::Warn, text)).ruled().render(area, buf, kit);
    Gauge {
        label: text,
        label_width: 9,
        settled: at(0),
        held: at(1),
        target: numbers.get(2).map(|n| f64::from(*n)),
        quota: numbers.get(3).map(|n| f64::from(*n)),
        no_quota: text,
    }
    .render(inner, buf, kit);
    Spark { values: numbers, top: numbers.first().copied(), role: Role::SeriesA }.render(area, buf, kit);
    let shapes = [Shape::Line, Shape::Area, Shape::Columns];
    let series: Vec<Series<'_>> = shapes
        .iter()
        .map(|shape| Series { name: text, values: numbers, role: Role::SeriesB, shape: *shape, bin: Bin::Max })
        .collect();
    Chart {
        series: &series,
        levels: &[
            Level { name: text, value: at(4), role: Role::Quota },
            Level { name: "", value: at(5), role: Role::Target },
        ],
        marks: &[VerticalMark { second: at(6), label: text }, VerticalMark { second: 3.0, label: text }],
        axis: Axis::live(numbers.len() as u64, 1 + numbers.len() as u64 / 2),
        unit: text,
        legend: true,
    }
    .render(inner, buf, kit);
    let row = |_: usize| vec![Cell::text(text), Cell::text(text)];
    region_table(Some(numbers.len()), numbers.len() * 2, &row).render(inner, buf, kit);
    let input: Input = text.into();
    let fields = [
        Field { error: Some(text), unit: text, ..Field::new(text, FieldValue::Input(&input)) },
        Field { hint: text, ..Field::new(text, FieldValue::Choice(text)) },
        Field::new(text, FieldValue::Fixed(text)),
    ];
    let form = Form { fields: &fields, focus: Some(numbers.len() % 4), value_width: 20 };
    form.render(inner, buf, kit);
    let mut dialog = Dialog::confirm(text, Role::Danger, vec![Line::of(Role::Text, text).muted(text)], text);
    dialog.form = Some(form);
    dialog.render(area, buf, kit);
    Hints { hints: &[Hint { key: text, label: text, enabled: false, hit: None }] }.render(area, buf, kit);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn nothing_panics_at_any_size_with_any_content(
        (width, height) in prop_oneof![(0u16..12, 0u16..12), (0u16..=300, 0u16..=100)],
        (dx, dy) in (0u16..5, 0u16..5),
        numbers in prop::collection::vec(prop_oneof![any::<f32>(), 0.0f32..1000.0], 0..200),
        text in prop_oneof![any::<String>(), "[a-z ]{0,60}", "[日本語é👍🏽\u{301}]{0,20}"],
        level in prop_oneof![Just(GlyphLevel::Ascii), Just(GlyphLevel::Block), Just(GlyphLevel::Braille)],
    ) {
        let theme = theme();
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        let kit = Kit::new(&theme, Glyphs::of(level));
        draw_all(buf.area, &mut buf, kit, &numbers, &text);
        // An area that reaches outside of the screen is cut, not an error.
        draw_all(Rect::new(dx, dy, width, height), &mut buf, kit, &numbers, &text);
    }
}
