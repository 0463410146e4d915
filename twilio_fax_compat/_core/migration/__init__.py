"""Two providers behind one fax API."""
