//! Localities ordered by share.

use std::cmp::Reverse;

use domain::code::IndicatorCode;
use domain::locality::LocalityId;

use crate::figure::FigureEntry;
use crate::reading::Reading;

/// Localities ordered by an indicator's share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ranking<'a> {
    /// Those with a figure: best first, equal shares by identity, those without a comparable share last.
    pub ranked: Vec<Ranked<'a>>,
    /// Those without any figure, in the order asked: missing is not zero.
    pub without_figure: Vec<LocalityId>,
}

/// A locality in a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ranked<'a> {
    /// Its rank from 1; equal shares share it and the next rank counts them all (1, 1, 3); 0 if its figure has no share.
    pub rank: u32,
    /// The locality.
    pub id: LocalityId,
    /// Its figure, which names the denominator and the bound of the count.
    pub figure: FigureEntry<'a>,
    /// The share it is ranked by, in hundredths of a point.
    pub share_hundredths: Option<u32>,
}

impl<'a> Reading<'a> {
    /// Ranks localities by the share of their newest figure.
    #[must_use]
    pub fn rank(
        &self,
        indicator: &IndicatorCode,
        ids: impl IntoIterator<Item = LocalityId>,
    ) -> Ranking<'a> {
        let (mut ranked, mut without_figure) = (Vec::new(), Vec::new());
        for id in ids {
            match self.figure(id, indicator) {
                Some(figure) => {
                    let share_hundredths = figure.figure.share_hundredths();
                    ranked.push(Ranked {
                        rank: 0,
                        id,
                        figure,
                        share_hundredths,
                    });
                }
                None => without_figure.push(id),
            }
        }
        // None is less than any share, so reversed it comes last.
        ranked.sort_by_key(|locality| (Reverse(locality.share_hundredths), locality.id));
        let mut last = None;
        for (place, locality) in (1..).zip(&mut ranked) {
            locality.rank = match (locality.share_hundredths, last) {
                (None, _) => 0,
                (share, Some((other, rank))) if share == other => rank,
                _ => place,
            };
            last = Some((locality.share_hundredths, locality.rank));
        }
        Ranking {
            ranked,
            without_figure,
        }
    }
}
