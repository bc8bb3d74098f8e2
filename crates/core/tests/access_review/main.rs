//! Reviews of who may do what: the matrix of roles, the document of a tenant's access, its dry run, and who can.

#[cfg(test)]
mod document;
#[cfg(test)]
mod dry_run;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod tenants;
#[cfg(test)]
mod who_can;
#[cfg(test)]
mod world;
