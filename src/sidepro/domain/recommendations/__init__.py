"""Projects by people whose skills are like mine: Jaccard similarity, neighbours, the reading."""
