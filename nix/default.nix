# Every output, of packages and crane that the caller chooses: `flake.nix` has those that it locks, `standin.nix` others.
{
  pkgs,
  craneLib,
}: let
  source = import ./source.nix {inherit (pkgs) lib;};
  daemons = import ./daemons.nix {inherit pkgs craneLib source;};
  profile = import ./profile.nix {
    inherit
      pkgs
      craneLib
      source
      daemons
      ;
  };
  oci = import ./oci.nix {inherit pkgs daemons;};
in {
  packages =
    daemons
    // {
      inherit profile oci;
      default = profile;
    };
  checks = import ./checks.nix {inherit pkgs craneLib source;};
  apps = import ./apps.nix {inherit pkgs profile;};
  shell = import ./shell.nix {inherit pkgs craneLib;};
}
