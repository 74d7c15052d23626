//! What was aimed at, beside what was measured.
//!
//! The goals are those of this product on two cores.
//! Where a goal does not say which of many answers it means, half of them must keep it (p50); reads and what is read right after a write are held to all but one in a hundred (p99).

use serde_json::{Value, json};

use crate::lang::Lang;

/// Clients from which on a point read is held to its goal.
pub(super) const MANY: usize = 32;

/// A goal, and whether it was reached.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::command::bench) struct Goal {
    vi: String,
    en: String,
    measured: f64,
    met: bool,
}

impl Goal {
    fn new([vi, en]: [&str; 2], measured: f64, met: bool) -> Self {
        Self {
            vi: vi.to_owned(),
            en: en.to_owned(),
            measured,
            met,
        }
    }

    /// Folding a log from a cold start, in events a second.
    pub(super) fn rebuild(per_s: f64) -> Self {
        Self::new(["≥ 1.000.000/s", "≥ 1,000,000/s"], per_s, per_s >= 1e6)
    }

    /// A point read with [`MANY`] clients; all but one in a hundred took less, in microseconds.
    pub(super) fn point_read(p99_us: f64) -> Self {
        Self::new(["p99 < 1 ms"; 2], p99_us, p99_us < 1e3)
    }

    /// What a read as of another day takes, as a multiple of the newest's median in the same run.
    pub(super) fn as_of(times_newest: f64) -> Self {
        let texts = ["≤ 1,3 × mới nhất", "≤ 1.3 × newest"];
        Self::new(texts, times_newest, times_newest <= 1.3)
    }

    /// A ranking of all communes, in microseconds.
    pub(super) fn ranking(p50_us: f64) -> Self {
        Self::new(["p50 < 5 ms"; 2], p50_us, p50_us < 5e3)
    }

    /// A national roll-up, in microseconds.
    pub(super) fn roll_up(p50_us: f64) -> Self {
        Self::new(["p50 < 20 ms"; 2], p50_us, p50_us < 20e3)
    }

    /// What a read right after a write takes beyond the write, in microseconds.
    pub(super) fn read_after_write(p99_us: f64) -> Self {
        Self::new(["p99 < 10 ms"; 2], p99_us, p99_us < 10e3)
    }

    /// From an event's being durable to its alert at a subscriber, in microseconds.
    pub(in crate::command::bench) fn alert(p99_us: f64) -> Self {
        Self::new(["p99 < 10 ms"; 2], p99_us, p99_us < 10e3)
    }

    /// From a report's being sent to its event at a subscriber, in microseconds: twice a bare publish and one wait for the disk.
    pub(in crate::command::bench) fn event(p99_us: f64, p99_us_max: f64) -> Self {
        let most = p99_us_max.round();
        let vi = format!("p99 ≤ 2 × phát thẳng + fdatasync = {most} µs");
        let en = format!("p99 ≤ 2 × bare publish + fdatasync = {most} µs");
        Self::new([&vi, &en], p99_us, p99_us <= p99_us_max)
    }

    /// What the relay brings into an empty stream, of what a bare pipelined publish does.
    pub(in crate::command::bench) fn relay(part: f64) -> Self {
        let texts = ["≥ 0,8 × phát thẳng", "≥ 0.8 × bare publish"];
        Self::new(texts, part, part >= 0.8)
    }

    /// What a second brings while a subscriber that slept catches up, of what it brings while it sleeps.
    pub(in crate::command::bench) fn sleeper(part: f64) -> Self {
        let texts = ["≥ 0,95 × khi người nhận ngủ", "≥ 0.95 × while it sleeps"];
        Self::new(texts, part, part >= 0.95)
    }

    /// From a start with a snapshot until everything is answered, in seconds.
    pub(super) fn start(seconds: f64) -> Self {
        Self::new(["< 10 s"; 2], seconds, seconds < 10.0)
    }

    /// What the process has more for a figure, in bytes: 100 million figures in 4 GB.
    pub(super) fn memory(bytes: f64) -> Self {
        let texts = ["≤ 40 byte mỗi số liệu", "≤ 40 bytes a figure"];
        Self::new(texts, bytes, bytes <= 40.0)
    }

    /// How many times as much a second as whoever is beside us.
    pub(super) fn times_peer(peer: &str, times: f64) -> Self {
        Self::new([&format!("≥ 10 × {peer}"); 2], times, times >= 10.0)
    }

    /// What is read in a table.
    pub(super) fn shown(&self, lang: Lang) -> String {
        let mark = if self.met { '✓' } else { '✗' };
        format!("{} {mark}", lang.pick(&self.vi, &self.en))
    }

    /// The goal in English, what was measured in the unit of the goal's function, and whether it was reached.
    pub(super) fn json(&self) -> Value {
        json!({ "goal": self.en, "measured": self.measured, "met": self.met })
    }
}

/// Why a question takes what it takes beside a peer's.
pub(super) fn unlike(peer: &str, lang: Lang) -> String {
    lang.pick(
        format!(
            "So với {peer}: ở đó mỗi câu hỏi là một lệnh soạn sẵn qua socket nội bộ, trên bảng làm riêng cho câu hỏi ấy; \
             ở đây là một lời gọi gRPC, trả lời kèm tên, nguồn, mức đạt và độ mới, và phần lớn thời gian đọc một số liệu là HTTP/2. \
             Ở đó dựng lại là chép những dòng có sẵn; ở đây sự kiện được giải mã và gộp. \
             Ở đó ghi là thêm một dòng; ở đây số liệu được xét, vào cây băm của sổ và lên bus."
        ),
        format!(
            "Beside {peer}: a question there is one prepared statement over a local socket, on tables made for it; \
             here it is a gRPC call whose answer carries names, sources, standings and freshness, and most of a point read is HTTP/2. \
             A rebuild there copies ready lines; here events are decoded and folded. \
             A write there adds a row; here a figure is judged, put into the log's tree and published."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_missed_by_a_little_is_missed() {
        assert!(Goal::rebuild(1_000_000.0).met && !Goal::rebuild(999_999.0).met);
        assert!(Goal::point_read(999.0).met && !Goal::point_read(1_000.0).met);
        assert!(Goal::as_of(1.3).met && !Goal::as_of(1.31).met);
        assert!(Goal::ranking(4_999.0).met && !Goal::ranking(5_000.0).met);
        assert!(Goal::roll_up(19_999.0).met && !Goal::roll_up(20_000.0).met);
        assert!(Goal::start(9.9).met && !Goal::start(10.0).met);
        assert!(Goal::memory(40.0).met && !Goal::memory(40.1).met);
        let times = Goal::times_peer("PostgreSQL 15", 9.9);
        assert_eq!(times.shown(Lang::En), "≥ 10 × PostgreSQL 15 ✗");
    }

    #[test]
    fn a_number_reads_as_its_language_writes_it() {
        let goal = Goal::rebuild(2e6);
        assert_eq!(goal.shown(Lang::Vi), "≥ 1.000.000/s ✓");
        assert_eq!(goal.shown(Lang::En), "≥ 1,000,000/s ✓");
        assert_eq!(Goal::as_of(1.5).shown(Lang::Vi), "≤ 1,3 × mới nhất ✗");
        assert_eq!(Goal::as_of(1.5).json()["met"], false);
    }
}
