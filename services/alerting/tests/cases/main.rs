//! Events in, verdicts and changes of cases out: the core without a network.

#[cfg(test)]
mod average;
#[cfg(test)]
mod common;
#[cfg(test)]
mod days;
#[cfg(test)]
mod flapping;
mod rules;
#[cfg(test)]
mod story;
