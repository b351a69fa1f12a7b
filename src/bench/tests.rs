//! The gates over a few seeds, and the arithmetic of gates and tables over made-up rows.

use super::cell::{Cell, Meter};
use super::contest::{Contest, Row};
use super::contestant::Contestant;
use super::figure::Figure;
use super::gates::{self, Check, Limit};
use super::{chart, scenarios, table};

/// Short cells that an unoptimised build runs in seconds.
fn small() -> Contest {
    let mut cells: Vec<Cell> = Meter::ALL.into_iter().map(|meter| Cell::constant("S1", 2_000_000, meter)).collect();
    cells.extend(
        scenarios::all().into_iter().filter(|cell| cell.what == "2M x2" && cell.service.meter == Meter::Bucket(10)),
    );
    Contest { cells, contestants: vec![Contestant::Ours, Contestant::SdkAdaptive, Contestant::Optimum], seeds: 5 }
}

#[test]
fn the_gates_hold_in_the_small() {
    let rows = small().run(|_, _| {});
    for gate in gates::judge(&rows).iter().filter(|gate| !gate.checks.is_empty()) {
        assert!(gate.holds(), "{gate}");
    }
}

/// A halved quota is followed within ten seconds. Twenty seeds take the gate's five epochs, three may take more by chance: so
/// that one is no part of the small table.
#[test]
fn a_cut_is_followed_in_few_rejects() {
    let is_cut = |cell: &Cell| cell.what == "2M x0.5" && cell.service.meter == Meter::Bucket(10);
    let cells: Vec<Cell> = scenarios::all().into_iter().filter(is_cut).collect();
    let contest = Contest { cells, contestants: vec![Contestant::Ours, Contestant::Standard], seeds: 3 };
    let rows = contest.run(|_, _| {});
    assert!(rows[0].settles.median <= 10.0, "{:?}", rows[0].settles);
    assert!(rows[0].epochs.median <= 8.0, "{:?}", rows[0].epochs);
    assert!(rows[1].epochs.median > 20.0, "one that never slows down is told apart: {:?}", rows[1].epochs);
}

#[test]
fn the_same_seeds_give_the_same_table() {
    let mut contest = small();
    contest.cells.truncate(2);
    contest.seeds = 2;
    let json = || table::json(&contest.run(|_, _| {})).to_string();
    assert_eq!(json(), json());
}

fn row(cell: Cell, contestant: Contestant, goodput: f64, throttles: f64) -> Row {
    let figure = |median: f64| Figure { median, low: median, high: median };
    Row {
        cell,
        contestant,
        seeds: 20,
        goodput: figure(goodput),
        throttles: figure(throttles),
        settles: figure(f64::INFINITY),
        epochs: figure(1.0),
        delay: [figure(0.1), figure(2.0)],
        high_delay: figure(0.1),
        jain: figure(1.0),
        wasted: figure(0.0),
        amplification: figure(1.0),
        lowest_belief: figure(1.0),
    }
}

#[test]
fn a_gate_misses_what_it_should_and_says_where() {
    let cell = Cell::constant("S1", 2_000_000, Meter::Sliding);
    let rows = |goodput, throttles| {
        vec![
            row(cell.clone(), Contestant::Ours, goodput, throttles),
            row(cell.clone(), Contestant::SdkAdaptive, 1.0, 0.02),
        ]
    };
    let verdicts = |rows: &[Row]| {
        let judged = gates::judge(rows);
        judged.iter().filter(|gate| !gate.checks.is_empty()).map(gates::Gate::holds).collect::<Vec<bool>>()
    };
    assert_eq!(verdicts(&rows(0.98, 0.004)), [true, true, true]);
    assert_eq!(verdicts(&rows(0.979, 0.0051)), [false, false, false]);
    assert_eq!(verdicts(&rows(0.98, 0.0045)), [true, true, false], "a fifth of 2 % is 0.4 %");
    let missed = gates::judge(&rows(0.5, 0.0));
    assert!(missed[0].to_string().contains("MISS S1 2M TPM, sliding: goodput"), "{}", missed[0]);
    assert!(!missed[3].holds(), "what was not run does not hold");
    let never = Check { what: String::new(), figure: f64::INFINITY, limit: Limit::AtMost(10.0), beside: String::new() };
    assert!(!never.holds());
}

#[test]
fn a_rival_with_few_rejects_is_compared_until_it_has_next_to_none() {
    let cell = Cell::constant("S1", 2_000_000, Meter::Sliding);
    let limit = |share| {
        let rows =
            [row(cell.clone(), Contestant::Ours, 1.0, 0.0), row(cell.clone(), Contestant::SdkAdaptive, 1.0, share)];
        gates::judge(&rows)[2].checks[0].limit
    };
    assert_eq!(limit(0.0005), Limit::AtMost(0.001));
    assert_eq!(limit(0.0025), Limit::AtMost(0.0025 / 5.0));
}

#[test]
fn every_cut_from_2m_and_every_configured_cell_is_judged() {
    let cells = gates::contest(1).cells;
    for cell in scenarios::all().iter().filter(|cell| cell.configured) {
        assert!(cells.contains(cell), "{}", cell.name());
    }
    let rows: Vec<Row> = cells.into_iter().map(|cell| row(cell, Contestant::Ours, 1.0, 0.0)).collect();
    let cuts = &gates::judge(&rows)[3];
    // Two quotas, two cuts, five meters, two figures.
    assert_eq!(cuts.checks.len(), 40, "{cuts}");
}

#[test]
fn the_table_has_the_keys_that_were_promised() {
    let json = table::json(&[row(Cell::constant("S1", 20_000, Meter::Minute), Contestant::Ours, 0.99, 0.001)]);
    let keys: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
    for key in [
        "scenario",
        "server",
        "policy",
        "seeds",
        "goodput_ratio",
        "throttle_share",
        "t90_s",
        "p50_queue_delay_ms",
        "p99_queue_delay_ms",
        "jain",
        "wasted_tokens",
        "retry_amplification",
    ] {
        assert!(keys.contains(&key), "{key} is not among {keys:?}");
    }
    assert!(json[0]["t90_s"].is_null(), "never is null");
    assert_eq!(json[0]["p99_queue_delay_ms"], 2_000.0);
}

#[test]
fn the_chart_shows_every_cell_once() {
    let rows: Vec<Row> = Meter::ALL
        .into_iter()
        .flat_map(|meter| {
            Contestant::ALL.map(|contestant| row(Cell::constant("S1", 200_000, meter), contestant, 0.9, 0.01))
        })
        .collect();
    let svg = chart::svg(&rows);
    for meter in Meter::ALL {
        assert_eq!(svg.matches(&format!("200k TPM, {}<", meter.name())).count(), 1, "{svg}");
    }
    // Every mark and word is closed where it stands, and nothing is drawn beyond its panel.
    let opened = svg.matches('<').count() - 2 * svg.matches("</").count();
    assert_eq!(opened, svg.matches("/>").count(), "{svg}");
    assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
}

#[test]
fn the_chart_cuts_nobodys_gain_off() {
    let cell = Cell::constant("S1", 200_000, Meter::Minute);
    let at = |goodput| {
        let svg = chart::svg(&[
            row(cell.clone(), Contestant::Ours, goodput, 0.01),
            row(cell.clone(), Contestant::SdkAdaptive, 1.6, 0.01),
        ]);
        // The legend has the first of the circles: who did not run is not in it.
        svg.split("<circle cx=\"").nth(2).and_then(|rest| rest.split('"').next()).unwrap().parse::<f64>().unwrap()
    };
    assert!(at(1.2) < at(1.4) && at(1.4) < at(1.6));
}

#[test]
fn every_scenario_of_the_study_but_the_fleet_is_there() {
    let cells = scenarios::all();
    for id in 1..=16 {
        let there = cells.iter().any(|cell| cell.id == format!("S{id}"));
        assert_eq!(there, id != 11, "S{id}");
    }
    for (at, cell) in cells.iter().enumerate() {
        assert!(!cells[..at].contains(cell), "{} twice", cell.name());
    }
}
