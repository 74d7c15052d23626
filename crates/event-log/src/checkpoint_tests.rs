//! Unit tests of checkpoints: published examples, changed texts, lost keys, half-written files.

use tempfile::TempDir;

use super::*;

const ORIGIN: &str = "tiendo/khanh-hoa";

fn signer() -> (TempDir, Signer) {
    let directory = tempfile::tempdir().unwrap();
    let signer = Signer::open(directory.path(), ORIGIN).unwrap();
    (directory, signer)
}

/// From the documentation of Go's `note` package, whose formats became signed-note.
#[test]
fn a_note_signed_by_go_is_verified_and_its_key_signs_the_same() {
    let line = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz\n";
    let vkey = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let signed = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\
        \n\
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
    let note = Note::parse(signed).unwrap();
    PublicKey::parse(vkey).unwrap().verify(&note).unwrap();

    let signer = Signer::parse(line).unwrap();
    assert_eq!(signer.line(), line);
    assert_eq!(signer.vkey(), vkey);
    let signature = signer.key.sign(note.text.as_bytes()).to_bytes();
    assert_eq!(signature, note.signatures[0].1[4..]);
}

#[test]
fn what_was_signed_is_read_back_by_the_public_key() {
    let (_directory, signer) = signer();
    let text = signer.sign(26_274, [7; 32]);
    let checkpoint = Checkpoint::verify(&text, &signer.vkey()).unwrap();
    assert_eq!(checkpoint.origin, ORIGIN);
    assert_eq!((checkpoint.size, checkpoint.root), (26_274, [7; 32]));
    assert_eq!(Checkpoint::parse(&text).unwrap(), checkpoint);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[..2], [ORIGIN, "26274"]);
}

#[test]
fn a_checkpoint_with_one_changed_bit_is_rejected() {
    let (_directory, signer) = signer();
    let (text, vkey) = (signer.sign(70, [7; 32]), signer.vkey());
    for bit in 0..text.len() * 8 {
        let mut changed = text.clone().into_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        Checkpoint::verify(&changed, &vkey).unwrap_err();
    }
    for bit in 0..vkey.len() * 8 {
        let mut changed = vkey.clone().into_bytes();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(changed) = String::from_utf8(changed) else {
            continue;
        };
        Checkpoint::verify(&text, &changed).unwrap_err();
    }
}

#[test]
fn a_checkpoint_in_another_form_is_rejected_even_if_it_is_signed() {
    let (_directory, signer) = signer();
    let sign = |text: &str| {
        let mut signature = signer.public.id().to_vec();
        signature.extend_from_slice(&signer.key.sign(text.as_bytes()).to_bytes());
        format!("{text}\n— {ORIGIN} {}\n", STANDARD.encode(signature))
    };
    let root = STANDARD.encode([7; 32]);
    let good = format!("{ORIGIN}\n7\n{root}\n");
    Checkpoint::verify(&sign(&good), &signer.vkey()).unwrap();
    Checkpoint::verify(&sign(&format!("{good}an extension\n")), &signer.vkey()).unwrap();
    for bad in [
        format!("{ORIGIN}\n07\n{root}\n"),
        format!("{ORIGIN}\n+7\n{root}\n"),
        format!("{ORIGIN}\n\n{root}\n"),
        format!("{ORIGIN}\n18446744073709551616\n{root}\n"),
        format!("{ORIGIN}\n7\n{}\n", STANDARD.encode([7; 31])),
        format!("{ORIGIN}\n7\n{}\n", &root[..43]),
        format!("{ORIGIN}\n7\n"),
        format!("tiendo/ha-noi\n7\n{root}\n"),
        format!("{ORIGIN}\n7\n{root}\n\nan extension\n"),
        format!("{ORIGIN}\r\n7\n{root}\n"),
    ] {
        let error = Checkpoint::verify(&sign(&bad), &signer.vkey()).unwrap_err();
        assert_eq!(error.reason(), "CHECKPOINT_REFUSED");
    }
}

#[test]
fn the_signature_of_a_witness_beside_ours_is_passed_over() {
    let (_directory, signer) = signer();
    let witness = Signer::of("witness.example", &[3; 32]);
    let ours = signer.sign(70, [7; 32]);
    let theirs = witness
        .key
        .sign(Note::parse(&ours).unwrap().text.as_bytes());
    let mut signature = witness.public.id().to_vec();
    signature.extend_from_slice(&theirs.to_bytes());
    let both = format!("{ours}— witness.example {}\n", STANDARD.encode(signature));
    Checkpoint::verify(&both, &signer.vkey()).unwrap();
    // Signed by the witness, but under the name of another log.
    let error = Checkpoint::verify(&both, &witness.vkey()).unwrap_err();
    assert_eq!(error.reason(), "CHECKPOINT_REFUSED");
}

#[test]
fn the_key_is_made_once_and_only_its_owner_can_read_it() {
    let (directory, first) = signer();
    let again = Signer::open(directory.path(), ORIGIN).unwrap();
    assert_eq!(first.vkey(), again.vkey());
    let file = fs::metadata(directory.path().join(KEY_FILE)).unwrap();
    assert_eq!(file.permissions().mode() & 0o777, 0o600);
    let shown = format!("{first:?}");
    let seed = STANDARD.encode(typed(first.key.as_bytes()));
    assert!(shown.contains(ORIGIN) && !shown.contains(&seed), "{shown}");
    let (_elsewhere, other) = signer();
    assert_ne!(first.vkey(), other.vkey());
}

#[test]
fn a_log_keeps_the_name_under_which_it_first_signed() {
    let (directory, _) = signer();
    let error = Signer::open(directory.path(), "tiendo/ha-noi").unwrap_err();
    assert_eq!(error.reason(), "LOG_SIGNING_KEY");
    for origin in ["", "with space", "a+b", "new\nline"] {
        let error = Signer::open(directory.path(), origin).unwrap_err();
        assert_eq!(error.reason(), "LOG_OPTIONS");
    }
}

#[test]
fn a_key_that_was_changed_or_lost_is_not_replaced_in_silence() {
    let (directory, signer) = signer();
    let path = directory.path().join(KEY_FILE);
    for bad in [
        "",
        "PRIVATE+KEY+",
        &signer.line().replace("+AQ", "+Ag"),
        &signer.line()[..70],
    ] {
        if bad != signer.line() {
            fs::write(&path, bad).unwrap();
            let error = Signer::open(directory.path(), ORIGIN).unwrap_err();
            assert_eq!(error.reason(), "LOG_SIGNING_KEY");
        }
    }
    let mut kept = Checkpoints::open(directory.path(), &signer.vkey()).unwrap();
    kept.remember(&signer.sign(7, [7; 32])).unwrap();
    fs::remove_file(&path).unwrap();
    let error = Signer::open(directory.path(), ORIGIN).unwrap_err();
    assert_eq!(error.reason(), "LOG_SIGNING_KEY");
    fs::write(&path, signer.line()).unwrap();
    Signer::open(directory.path(), ORIGIN).unwrap();
}

fn newest(directory: &TempDir, signer: &Signer) -> Option<u64> {
    let kept = Checkpoints::open(directory.path(), &signer.vkey()).unwrap();
    kept.newest().map(|(checkpoint, _)| checkpoint.size)
}

#[test]
fn the_newest_checkpoint_is_remembered_whatever_a_crash_left_behind_it() {
    let (directory, signer) = signer();
    assert_eq!(newest(&directory, &signer), None);
    let mut kept = Checkpoints::open(directory.path(), &signer.vkey()).unwrap();
    for size in [3, 5, 4, 5] {
        kept.remember(&signer.sign(size, [size as u8; 32])).unwrap();
    }
    assert_eq!(kept.newest().unwrap().0.root, [5; 32]);
    drop(kept);
    let path = directory.path().join(KEPT_FILE);
    let whole = fs::read(&path).unwrap();
    assert_eq!(notes(str::from_utf8(&whole).unwrap()).count(), 2);
    let next = signer.sign(9, [9; 32]);
    for cut in 0..next.len() {
        let torn = [&whole[..], &next.as_bytes()[..cut]].concat();
        fs::write(&path, torn).unwrap();
        assert_eq!(newest(&directory, &signer), Some(5), "cut at {cut}");
        assert_eq!(fs::read(&path).unwrap(), whole);
    }
    for garbage in [&[0; 100][..], &[0xff; 9]] {
        fs::write(&path, [&whole[..], garbage].concat()).unwrap();
        assert_eq!(newest(&directory, &signer), Some(5));
    }
    let mut kept = Checkpoints::open(directory.path(), &signer.vkey()).unwrap();
    kept.remember(&next).unwrap();
    assert_eq!(newest(&directory, &signer), Some(9));
}

#[test]
fn the_file_of_checkpoints_stays_within_its_limit() {
    let (directory, signer) = signer();
    let mut kept = Checkpoints::open(directory.path(), &signer.vkey()).unwrap();
    // Without signing each of them: their number is what counts.
    let one = signer.sign(1_000_000, [0; 32]);
    let enough = KEPT_BYTES_MAX / one.len() as u64 - 2;
    let many = one.repeat(usize::try_from(enough).unwrap());
    kept.append(&many).unwrap();
    for size in 1_000_001..1_000_010 {
        kept.remember(&signer.sign(size, [0; 32])).unwrap();
    }
    let path = directory.path().join(KEPT_FILE);
    let bytes = fs::metadata(&path).unwrap().len();
    assert!(bytes < KEPT_BYTES_MAX * 6 / 10, "{bytes} bytes");
    assert_eq!(kept.bytes, bytes);
    let text = fs::read_to_string(&path).unwrap();
    let (_, last) = notes(&text).last().unwrap();
    assert_eq!(Checkpoint::parse(last).unwrap().size, 1_000_009);
}
