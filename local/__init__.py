"""AWS on this machine: the synthesized stacks deployed into moto, run as Lambda would run them."""
