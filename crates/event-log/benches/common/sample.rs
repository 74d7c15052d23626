//! Events of the sample kind, the same on every run.
//!
//! A payload is the protobuf of a `ProgressReported` as the shipped sample has it: the request's UUIDv7 as text, who
//! reports, the moment, the locality, the indicator, a count out of a denominator, the percentage as printed, and the
//! document it stands in. This room decodes no event, so the bytes are put together by hand.
//! A document speaks of four indicators in 25 neighbouring localities; counts and places are scattered by a hash.

/// One request with its events.
pub(crate) struct Request {
    /// A UUIDv7, ascending in time.
    pub(crate) id: [u8; 16],
    pub(crate) events: Vec<Event>,
}

/// What the log is given of one event.
pub(crate) struct Event {
    pub(crate) subject: String,
    pub(crate) payload: Vec<u8>,
}

/// Makes one request after the other.
#[derive(Default)]
pub(crate) struct Sampler {
    requests: u64,
    events: u64,
}

/// Milliseconds since the Unix epoch at which the first request is made.
pub(crate) const FIRST_MS: u64 = 1_790_000_000_000;

/// Figures in one document.
const DOCUMENT_FIGURES: u64 = 100;
const LOCALITIES: u64 = 3_321;
const INDICATORS: [&str; 16] = [
    "cccd.issued",
    "cccd.received",
    "cccd.delivered",
    "cccd.undelivered",
    "eid.collected",
    "eid.activated",
    "eid.activated-l2",
    "eid.collected-and-installed",
    "services.essential",
    "services.filed-online",
    "social.accounts-opened",
    "social.paid-cash-free",
    "population.forms-collected",
    "data.records-fixed",
    "tasks.completed",
    "documents.signed",
];

impl Sampler {
    /// The next request, with so many events.
    pub(crate) fn request(&mut self, events: usize) -> Request {
        let id = uuid_v7(self.requests);
        self.requests += 1;
        let text = uuid_text(&id);
        let events = (0..events).map(|_| self.event(&text)).collect();
        Request { id, events }
    }

    /// The next requests, with so many events each.
    pub(crate) fn requests(&mut self, requests: usize, events: usize) -> Vec<Request> {
        (0..requests).map(|_| self.request(events)).collect()
    }

    fn event(&mut self, request_id: &str) -> Event {
        let number = self.events;
        self.events += 1;
        let document = number / DOCUMENT_FIGURES;
        let figure = number % DOCUMENT_FIGURES;
        let of_document = hash(document ^ 0xd0c0);
        let place = (of_document + figure / 4) % LOCALITIES;
        let indicator =
            INDICATORS[((of_document >> 32) % 4 * 4 + figure % 4) as usize % INDICATORS.len()];
        let code = format!("{:05}", 28 + place * 9);
        let subject = format!("progress/{code}@2025-07-01/{indicator}");
        let payload = payload(number, document, request_id, &code, indicator);
        Event { subject, payload }
    }
}

/// Mean bytes of a payload and of a subject.
pub(crate) fn mean_bytes() -> (f64, f64) {
    const SAMPLE: usize = 10_000;
    let events = Sampler::default().request(SAMPLE).events;
    let payloads: usize = events.iter().map(|event| event.payload.len()).sum();
    let subjects: usize = events.iter().map(|event| event.subject.len()).sum();
    (
        payloads as f64 / SAMPLE as f64,
        subjects as f64 / SAMPLE as f64,
    )
}

fn payload(number: u64, document: u64, request_id: &str, code: &str, indicator: &str) -> Vec<u8> {
    let quota = 2_000 + hash(hash(indicator.len() as u64) ^ hash_text(code)) % 60_000;
    let count = hash(number) % (quota + 1);
    let permille = (count * 2_000 + quota) / (2 * quota);
    let (day, month) = (1 + document % 28, 1 + document / 28 % 12);
    let year = 2025 + document / 336 % 2;
    let mut body = Vec::with_capacity(192);
    nested(&mut body, 1, |locality| {
        text(locality, 1, code);
        text(locality, 2, "2025-07-01");
    });
    text(&mut body, 2, indicator);
    nested(&mut body, 3, |value| quantity(value, count));
    nested(&mut body, 4, |denominator| {
        text(denominator, 1, "quota");
        nested(denominator, 2, |value| quantity(value, quota));
    });
    text(
        &mut body,
        5,
        &format!("{}.{}", permille / 10, permille % 10),
    );
    nested(&mut body, 6, |source| {
        let number = 1 + hash(document) % 9_000;
        text(
            source,
            1,
            &format!("Báo cáo số {number}/BC-TCT về tiến độ Đề án 06 (ngày {day}/{month}/{year})"),
        );
        text(
            source,
            2,
            &format!("https://dean06.example.vn/bao-cao/{year}/{number}-bc-tct.html"),
        );
    });
    let mut event = Vec::with_capacity(320);
    text(&mut event, 1, request_id);
    nested(&mut event, 2, |actor| {
        text(actor, 1, "Công an tỉnh Khánh Hòa");
        text(actor, 2, "Tổ công tác Đề án 06");
    });
    text(&mut event, 3, &format!("{year}-{month:02}-{day:02}"));
    bytes(&mut event, 19, &body);
    event
}

fn quantity(out: &mut Vec<u8>, count: u64) {
    varint(out, 1 << 3);
    varint(out, count);
    varint(out, 3 << 3);
    varint(out, 1);
}

fn nested(out: &mut Vec<u8>, field: u64, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut message = Vec::new();
    fill(&mut message);
    bytes(out, field, &message);
}

fn text(out: &mut Vec<u8>, field: u64, text: &str) {
    bytes(out, field, text.as_bytes());
}

fn bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Four requests a millisecond.
fn uuid_v7(request: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..6].copy_from_slice(&(FIRST_MS + request / 4).to_be_bytes()[2..]);
    id[6..8].copy_from_slice(&hash(request ^ 0x1d).to_be_bytes()[..2]);
    id[8..].copy_from_slice(&hash(request ^ 0x1d00).to_be_bytes());
    id[6] = id[6] & 0x0f | 0x70;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn uuid_text(id: &[u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in id.iter().enumerate() {
        if [4, 6, 8, 10].contains(&at) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(digit)]));
        }
    }
    text
}

fn hash_text(text: &str) -> u64 {
    text.bytes()
        .fold(7, |sum, byte| hash(sum ^ u64::from(byte)))
}

/// SplitMix64's finish: scatters neighbouring numbers.
fn hash(number: u64) -> u64 {
    let mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
