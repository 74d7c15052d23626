//! Events in, verdicts and changes of cases out: the core without a network.

#[cfg(test)]
mod anew;
#[cfg(test)]
mod average;
#[cfg(test)]
mod common;
#[cfg(test)]
mod days;
#[cfg(test)]
mod flapping;
#[cfg(test)]
mod history;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod outcomes;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod story;
