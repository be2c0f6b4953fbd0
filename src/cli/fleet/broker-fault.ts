/** Why a broker is not there, as people were told last: each attempt fails alike, and one reason is told once in a row. */
export class BrokerFault {
  #told: string | undefined;

  /** The broker is not there; whether people have yet to be told why. */
  noteDown(why: string): boolean {
    const isNews = why !== this.#told;
    this.#told = why;
    return isNews;
  }

  /** The broker is there; whether people were told that it was not. */
  noteUp(): boolean {
    const wasTold = this.#told !== undefined;
    this.#told = undefined;
    return wasTold;
  }
}
