# The project's own commands, for the machine that builds: it makes the staged profile, and checks rules about the source.
{
  pkgs,
  craneLib,
  sources,
}:
craneLib.buildPackage {
  pname = "xtask";
  inherit (sources) version;
  src = sources.xtask;
  strictDeps = true;
  # checks.nix has them.
  doCheck = false;
  cargoExtraArgs = "--locked --package xtask";
  meta.mainProgram = "xtask";
}
