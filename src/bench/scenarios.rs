//! The scenarios of the table (study §D.3), as cells.

use super::cell::{Cell, Happening, Meter, Service, short};
use super::work::{Arrivals, CACHED, Crowd, LONG_REPLIES, MIXED, OVER_RESERVED, RAG};

/// All cells, in the order of the table. S11 (many clients) is not here: it needs the shared ledger of a fleet.
#[must_use]
pub fn all() -> Vec<Cell> {
    let mut cells = Vec::new();
    constant(&mut cells);
    steps(&mut cells);
    debts(&mut cells);
    reservations(&mut cells);
    bursts(&mut cells);
    neighbours(&mut cells);
    regions(&mut cells);
    slowness(&mut cells);
    crowds(&mut cells);
    dimensions(&mut cells);
    lies(&mut cells);
    charged_rejects(&mut cells);
    retuned(&mut cells);
    endurance(&mut cells);
    cells
}

/// Buckets of every depth: where a step or a debt is felt at once.
const BUCKETS: [Meter; 3] = [Meter::Bucket(60), Meter::Bucket(10), Meter::Bucket(2)];

/// S1: a constant quota, unknown and configured.
fn constant(cells: &mut Vec<Cell>) {
    for tpm in [20_000, 200_000, 2_000_000, 20_000_000] {
        for meter in Meter::ALL {
            // Half of the requests are larger than what a shallow meter holds at 20k.
            if tpm == 20_000 && meter.depth() < 60.0 {
                continue;
            }
            let cell = Cell::constant("S1", tpm, meter);
            let mut told = cell.clone();
            told.configured = true;
            told.what.push_str(", configured");
            cells.extend([cell, told]);
        }
    }
}

/// S2 and S3: the quota is cut, or raised, unannounced.
fn steps(cells: &mut Vec<Cell>) {
    for (id, tpm, factor) in [
        ("S2", 20_000_000, 0.5),
        ("S2", 20_000_000, 0.1),
        ("S2", 2_000_000, 0.5),
        ("S2", 2_000_000, 0.1),
        ("S2", 200_000, 0.5),
        ("S3", 20_000_000, 2.0),
        ("S3", 20_000_000, 5.0),
        ("S3", 2_000_000, 2.0),
        ("S3", 200_000, 2.0),
    ] {
        for meter in [Meter::Bucket(60), Meter::Bucket(10), Meter::Bucket(2), Meter::Minute, Meter::Sliding] {
            let mut cell = Cell::constant(id, tpm, meter);
            let at = cell.seconds / 2.0;
            cell.what = format!("{} x{factor}", short(tpm));
            cell.happenings = vec![(at, Happening::Quota(factor))];
            cell.step_at = at;
            cell.scored_from = at + 120.0;
            cells.push(cell);
        }
    }
}

/// S4: replies that settle above what they reserve.
fn debts(cells: &mut Vec<Cell>) {
    for burndown in [5, 10, 15] {
        for meter in Meter::ALL {
            // A reply of 8,000 tokens at 15x is more than two seconds of 2M.
            let tpm = if meter.depth() < 10.0 { 20_000_000 } else { 2_000_000 };
            let mut cell = Cell::constant("S4", tpm, meter);
            cell.what = format!("long replies x{burndown}, {}", short(tpm));
            cell.service.burndown = burndown;
            cell.shape = LONG_REPLIES;
            long(&mut cell, 3_600.0);
            cells.push(cell);
        }
    }
    let mut cell = Cell::constant("S4", 2_000_000, Meter::Bucket(60));
    cell.what = "long replies x15, 2M, charged on the way".into();
    cell.service = Service { burndown: 15, progressive: true, ..cell.service };
    cell.shape = LONG_REPLIES;
    long(&mut cell, 3_600.0);
    cells.push(cell.clone());
    cell.what = "long replies x15, 20M, hold weighted".into();
    cell.service = Service { tpm: 20_000_000, weighted_hold: true, progressive: false, ..cell.service };
    long(&mut cell, 1_200.0);
    cells.push(cell);
}

/// S5: `max_tokens` far above what is used, prompts from the cache, long prompts, sizes over two decades.
fn reservations(cells: &mut Vec<Cell>) {
    for meter in Meter::ALL {
        for (shape, tpm) in [(OVER_RESERVED, 2_000_000), (CACHED, 2_000_000), (RAG, 2_000_000), (MIXED, 2_000_000)] {
            // 65k tokens reserved must fit a shallow meter with some room.
            let tpm = if meter.depth() < 10.0 { tpm * 10 } else { tpm };
            let mut cell = Cell::constant("S5", tpm, meter);
            cell.what = format!("{}, {}", shape.name, short(tpm));
            cell.shape = shape;
            cells.push(cell);
        }
    }
}

/// S6: bursts after idleness.
fn bursts(cells: &mut Vec<Cell>) {
    for meter in [Meter::Bucket(60), Meter::Bucket(10), Meter::Sliding] {
        for configured in [false, true] {
            let mut cell = Cell::constant("S6", 2_000_000, meter);
            cell.what = format!("bursts of 3 s in 15 s{}", if configured { ", configured" } else { "" });
            cell.arrivals = Arrivals::Bursts { size: 3.0, every: 15.0 };
            cell.configured = configured;
            cells.push(cell);
        }
    }
    for load in [0.5, 0.9, 1.1] {
        let mut cell = Cell::constant("S6", 2_000_000, Meter::Bucket(60));
        cell.what = format!("Poisson {load}");
        cell.arrivals = Arrivals::Poisson(load);
        cells.push(cell);
    }
    let mut cell = Cell::constant("S6", 2_000_000, Meter::Bucket(60));
    cell.what = "tide around 0.9".into();
    cell.arrivals = Arrivals::Tide(0.9);
    long(&mut cell, 3_600.0);
    cells.push(cell);
}

/// S7: a neighbour on the same account.
fn neighbours(cells: &mut Vec<Cell>) {
    for meter in BUCKETS {
        let mut square = Cell::constant("S7", 2_000_000, meter);
        square.what = "neighbour, 30 % every other 120 s".into();
        square.happenings = (0..10)
            .map(|turn| {
                let part = if turn % 2 == 0 { 0.3 } else { 0.0 };
                (120.0 * f64::from(turn + 1), Happening::Others(part))
            })
            .collect();
        long(&mut square, 1_200.0);
        let mut grab = Cell::constant("S7", 2_000_000, meter);
        grab.what = "neighbour, 90 % for 60 s".into();
        grab.happenings = vec![(700.0, Happening::Others(0.9)), (760.0, Happening::Others(0.0))];
        let mut ramp = Cell::constant("S7", 2_000_000, meter);
        ramp.what = "neighbour, slowly to 50 %".into();
        ramp.happenings = (0..60)
            .map(|turn| (600.0 + 10.0 * f64::from(turn), Happening::Others(0.5 * f64::from(turn) / 60.0)))
            .collect();
        cells.extend([square, grab, ramp]);
    }
}

/// S8: one of two Regions fails, wholly or in part, and returns.
fn regions(cells: &mut Vec<Cell>) {
    for (what, part) in [("outage of one Region of two, 60 s", 1.0), ("brown-out of one Region of two", 0.2)] {
        let mut cell = Cell::constant("S8", 2_000_000, Meter::Bucket(60));
        cell.what = what.into();
        cell.service.regions = 2;
        cell.happenings =
            vec![(700.0, Happening::Failing { region: 0, part }), (760.0, Happening::Failing { region: 0, part: 0.0 })];
        cells.push(cell);
    }
}

/// S9: replies take five times as long for a minute; the quota stays.
fn slowness(cells: &mut Vec<Cell>) {
    for meter in [Meter::Bucket(60), Meter::Bucket(10)] {
        for configured in [false, true] {
            let mut cell = Cell::constant("S9", 2_000_000, meter);
            cell.what = format!("latency x5 for 60 s{}", if configured { ", configured" } else { "" });
            cell.configured = configured;
            cell.happenings = vec![(700.0, Happening::Latency(5.0)), (760.0, Happening::Latency(1.0))];
            cell.scored_from = 700.0;
            cell.seconds = 1_000.0;
            cells.push(cell);
        }
    }
}

/// S10: classes and weighted sources under overload.
fn crowds(cells: &mut Vec<Cell>) {
    let mut fair = Cell::constant("S10", 20_000_000, Meter::Bucket(60));
    fair.what = "20 weighted sources, 3x, 20M".into();
    fair.arrivals = Arrivals::Poisson(3.0);
    fair.crowd = Crowd { flows: 20, weights: [1.0, 2.0, 4.0], ..Crowd::ONE };
    fair.seconds = 600.0;
    fair.scored_from = 240.0;
    cells.push(fair);
    for (what, load, classes) in [
        ("three classes, 3x", 3.0, [0.05, 0.25, 0.7]),
        // The same high requests, alone.
        ("high class alone", 0.15, [1.0, 0.0, 0.0]),
    ] {
        let mut cell = Cell::constant("S10", 2_000_000, Meter::Bucket(60));
        cell.what = what.into();
        cell.arrivals = Arrivals::Poisson(load);
        cell.crowd = Crowd { flows: 5, classes, noisy: 4.0, ..Crowd::ONE };
        cells.push(cell);
    }
}

/// S12: requests and tokens bind in turn; the day runs out.
fn dimensions(cells: &mut Vec<Cell>) {
    for meter in [Meter::Bucket(60), Meter::Sliding] {
        let mut cell = Cell::constant("S12", 2_000_000, meter);
        cell.what = "RPM binds".into();
        cell.service.rpm = Some(400);
        cells.push(cell.clone());
        cell.what = "RPM and TPM bind in turn".into();
        cell.service.rpm = Some(640);
        cell.shape = MIXED;
        cells.push(cell);
    }
    let mut day = Cell::constant("S12", 2_000_000, Meter::Bucket(60));
    day.what = "the day runs out".into();
    day.service.tpd = Some(30_000_000);
    cells.push(day);
}

/// S13: prompts misjudged, usage missing.
fn lies(cells: &mut Vec<Cell>) {
    for (what, error, missing) in
        [("prompts at half", 0.5, 0.0), ("prompts at double", 2.0, 0.0), ("no usage in 5 %", 1.0, 0.05)]
    {
        let mut cell = Cell::constant("S13", 2_000_000, Meter::Bucket(60));
        cell.what = what.into();
        cell.input_error = error;
        cell.no_usage = missing;
        cells.push(cell);
    }
}

/// S14: a refused request burns its reservation.
fn charged_rejects(cells: &mut Vec<Cell>) {
    for tpm in [200_000, 2_000_000] {
        for meter in [Meter::Bucket(60), Meter::Bucket(10)] {
            let mut cell = Cell::constant("S14", tpm, meter);
            cell.what = format!("rejects are charged, {}", short(tpm));
            cell.service.reject_charge = 1.0;
            cells.push(cell);
        }
    }
}

/// S15: the operator turns knobs under load.
fn retuned(cells: &mut Vec<Cell>) {
    let mut cell = Cell::constant("S15", 2_000_000, Meter::Bucket(60));
    cell.what = "every knob out and back".into();
    cell.configured = true;
    cell.happenings = (0..24).map(|turn| (600.0 + 20.0 * f64::from(turn), Happening::Retune)).collect();
    cells.push(cell);
}

/// S16: the clock jumps; a day passes.
fn endurance(cells: &mut Vec<Cell>) {
    let mut jump = Cell::constant("S16", 2_000_000, Meter::Bucket(60));
    jump.what = "the clock jumps an hour and back".into();
    jump.happenings = vec![(700.0, Happening::ClockJump(3_600.0)), (900.0, Happening::ClockJump(-3_600.0))];
    cells.push(jump);
    let mut day = Cell::constant("S16", 200_000, Meter::Bucket(60));
    day.what = "24 h".into();
    long(&mut day, 86_400.0);
    cells.push(day);
}

fn long(cell: &mut Cell, seconds: f64) {
    cell.seconds = seconds;
    cell.scored_from = seconds / 2.0;
}
