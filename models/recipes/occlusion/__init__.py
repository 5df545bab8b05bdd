"""Training of the occlusion network: real faces, made-up occluders, the network, its export and its checks."""
