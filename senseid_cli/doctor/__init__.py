"""What `senseid doctor` looks at: one question a module, each answered with findings. No check writes anything."""
