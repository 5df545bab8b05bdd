"""How the occlusion network is trained: real faces, made-up occluders, the network, its export and its checks."""
