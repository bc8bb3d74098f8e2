//! Who may do what: one evaluator, asked in every way there is, against definitions that are written out here.

#[cfg(test)]
mod agreement;
#[cfg(test)]
mod compiled_once;
#[cfg(test)]
mod escalation;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod model;
#[cfg(test)]
mod renewed;
